import { Inject, Injectable } from '@nestjs/common'
import { BROKER, record } from '../../audit/record.ts'
import type { Config } from '../../config.ts'
import type { Id } from '../../contract/id.ts'
import { Database, row, rows, type Tx } from '../../platform/database.ts'
import { newId } from '../../platform/ids.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type KnownPerson, SignInLinks } from '../scim/sign-in-links.ts'
import { type Claims, readClaims, type Said } from './claims.ts'
import { confirmGroups } from './confirm-groups.ts'
import { signInConfig } from './sign-in-config.ts'

/** Who the provider's people are to us: by issuer and subject, never by name or e-mail. */
@Injectable()
export class People {
  constructor(
    private readonly database: Database,
    private readonly links: SignInLinks,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Takes what the provider says of somebody as it was `ageSeconds` ago: makes the person if need be, and replaces what earlier sign-ins said
   * of them. Throws `auth.forbidden` for somebody who is disabled here.
   */
  async admit(claims: Claims, ageSeconds = 0): Promise<Id<'usr'>> {
    const mapping = signInConfig(this.config)
    const said = readClaims(claims, mapping)
    if (!said) throw new BrokerError('auth.forbidden', 'the provider named nobody')
    const { id, state } = await this.database.transaction(async (tx) => {
      await this.links.lockForSignIn(tx)
      // Of two first sign-ins of one person, one makes them.
      await rows(tx, 'select pg_advisory_xact_lock(hashtextextended($1, 0))', [JSON.stringify([mapping.issuer, said.subject])])
      const known = await this.known(tx, mapping.issuer, said.subject)
      const found = await this.links.atSignIn(tx, { issuer: mapping.issuer, ...said }, known)
      const person = found ?? (await this.created(tx, said))
      if (person.state === 'active') await this.confirm(tx, mapping.issuer, person, said, ageSeconds)
      if (!found) await this.links.noteLookAlikes(tx, BROKER, person.id)
      return person
    })
    // What was found out about them on the way stays.
    if (state !== 'active') throw new BrokerError('auth.forbidden', 'this person is disabled here')
    return id
  }

  private known(tx: Tx, issuer: string, subject: string): Promise<KnownPerson | undefined> {
    return row<KnownPerson>(
      tx,
      `select u.id, u.state, u.source from identities i join users u on u.id = i.user_id
       where i.issuer = $1 and i.subject = $2 for update of u`,
      [issuer, subject],
    )
  }

  private async created(tx: Tx, { name, email }: Said): Promise<KnownPerson> {
    const id = newId('usr')
    const roles = ['member']
    await rows(tx, `insert into users (id, name, email, roles, source) values ($1, $2, $3, $4, 'sign_in')`, [
      id,
      name,
      email,
      roles,
    ])
    await record(tx, { kind: 'user.created', actor: BROKER, subject: id, data: { name, email, roles, source: 'sign_in' } })
    return { id, state: 'active', source: 'sign_in' }
  }

  private async confirm(tx: Tx, issuer: string, { id, source }: KnownPerson, said: Said, ageSeconds: number): Promise<void> {
    await rows(
      tx,
      `insert into identities (issuer, subject, user_id, claims, confirmed_at)
       values ($1, $2, $3, $4, now() - make_interval(secs => $5))
       on conflict (issuer, subject) do update set claims = excluded.claims, confirmed_at = excluded.confirmed_at`,
      [issuer, said.subject, id, JSON.stringify(said.attributes), ageSeconds],
    )
    await this.links.keepClaim(tx, { issuer, ...said })
    // Whom SCIM describes, and the groups they are in, are for SCIM to change.
    if (source === 'scim') return
    if (source === 'sign_in') await describe(tx, issuer, id, said)
    await confirmGroups(tx, id, said, ageSeconds)
  }
}

async function describe(tx: Tx, issuer: string, id: string, { name, email, attributes, subject }: Said): Promise<void> {
  await rows(
    tx,
    `update users set name = $2, email = $3, attributes = $4, changed_at = now()
     where id = $1 and (name, email, attributes) is distinct from ($2, $3, $4::jsonb)`,
    [id, name, email, JSON.stringify(attributes)],
  )
  const { manager } = attributes
  if (typeof manager === 'string') {
    await rows(
      tx,
      `update users set manager_id = coalesce(
         (select user_id from identities where issuer = $3 and subject = $2 and user_id <> $1),
         (select id from users where (external_id = $2 or lower(user_name) = lower($2)) and id <> $1 order by external_id = $2 desc limit 1))
       where id = $1`,
      [id, manager, issuer],
    )
  }
  // Those who named this person their manager before we knew them.
  await rows(
    tx,
    `update users set manager_id = $1 where attributes->>'manager' = $2 and manager_id is null and id <> $1
       and exists (select from identities i where i.user_id = users.id and i.issuer = $3)`,
    [id, subject, issuer],
  )
}
