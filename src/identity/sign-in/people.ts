import { Inject, Injectable } from '@nestjs/common'
import { BROKER, record } from '../../audit/record.ts'
import type { Config } from '../../config/config.ts'
import type { Id } from '../../contract/id.ts'
import { name } from '../../contract/text.ts'
import { newId } from '../../platform/ids.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { notingLostRoles } from '../directory/lost-roles.ts'
import { type KnownPerson, SignInLinks } from '../scim/sign-in-links.ts'
import { confirmGroups } from './confirm-groups.ts'
import { becomeManager, describePerson } from './describe-person.ts'
import { signInConfig } from './sign-in-config.ts'
import type { Statement } from './statement.ts'

/** Who the provider's people are to us: by issuer and subject, never by name or e-mail. */
@Injectable()
export class People {
  constructor(
    private readonly database: Database,
    private readonly links: SignInLinks,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Takes what the provider said of somebody `ageSeconds` ago: makes the person if need be, and keeps what is said of them now. Throws
   * `auth.forbidden` for somebody who is disabled here.
   */
  async admit(statement: Statement | undefined, ageSeconds = 0): Promise<Id<'usr'>> {
    const { issuer } = signInConfig(this.config)
    if (!statement) throw new BrokerError('auth.forbidden', 'the provider did not say who signed in')
    const { subject, externalId } = statement
    const { id, state } = await this.database.transaction(async (tx) => {
      await this.links.lockForSignIn(tx)
      // Of two first sign-ins of one person, one makes them.
      await rows(tx, 'select pg_advisory_xact_lock(hashtextextended($1, 0))', [JSON.stringify([issuer, subject])])
      const known = await this.known(tx, issuer, subject)
      const take = async () => {
        const found = await this.links.atSignIn(tx, { issuer, subject, externalId }, known)
        const person = found ?? (await this.created(tx, statement))
        if (person.state === 'active') await this.confirm(tx, issuer, person, statement, ageSeconds)
        if (!found) await this.links.noteLookAlikes(tx, BROKER, person.id)
        return person
      }
      return known ? notingLostRoles(tx, BROKER, take, known.id) : take()
    })
    // What was found out about them on the way stays.
    if (state !== 'active') throw new BrokerError('auth.forbidden', 'this person is disabled here')
    return id
  }

  /** undefined when nobody of this subject is known. */
  async find(subject: string): Promise<Id<'usr'> | undefined> {
    const { issuer } = signInConfig(this.config)
    const found = await row<{ id: Id<'usr'> }>(
      this.database.pool,
      'select user_id as id from identities where issuer = $1 and subject = $2',
      [issuer, subject],
    )
    return found?.id
  }

  private known(tx: Tx, issuer: string, subject: string): Promise<KnownPerson | undefined> {
    return row<KnownPerson>(
      tx,
      `select u.id, u.state, u.source from identities i join users u on u.id = i.user_id
       where i.issuer = $1 and i.subject = $2 for update of u`,
      [issuer, subject],
    )
  }

  private async created(tx: Tx, statement: Statement): Promise<KnownPerson> {
    const id = newId('usr')
    const roles = ['member'] as const
    const called = statement.name?.value ?? statement.userName?.value ?? legibleSubject(statement.subject)
    const email = statement.email?.value ?? null
    await rows(tx, `insert into users (id, name, email, roles, source, sign_in_name) values ($1, $2, $3, $4, 'sign_in', $5)`, [
      id,
      called,
      email,
      roles,
      statement.userName?.value ?? null,
    ])
    await record(tx, {
      kind: 'user.created',
      actor: BROKER,
      subject: id,
      data: { name: called, email, roles, source: 'sign_in' },
    })
    return { id, state: 'active', source: 'sign_in' }
  }

  private async confirm(
    tx: Tx,
    issuer: string,
    { id, source }: KnownPerson,
    statement: Statement,
    ageSeconds: number,
  ): Promise<void> {
    const { subject, externalId, attributes, userName, groups, occasion, arrived } = statement
    const said = Object.fromEntries(Object.entries(attributes).map(([attribute, { value }]) => [attribute, value]))
    await rows(
      tx,
      `insert into identities as i (issuer, subject, user_id, claims, user_name, confirmed_at, arrived, signed_in_at)
       values ($1, $2, $3, $4, $5, now() - make_interval(secs => $6), $7::jsonb, case when $7::jsonb is not null then now() end)
       on conflict (issuer, subject) do update set claims = excluded.claims, arrived = coalesce(excluded.arrived, i.arrived), signed_in_at = coalesce(excluded.signed_in_at, i.signed_in_at),
         user_name = coalesce(excluded.user_name, i.user_name), confirmed_at = greatest(i.confirmed_at, excluded.confirmed_at)`,
      [
        issuer,
        subject,
        id,
        JSON.stringify(said),
        userName?.value ?? null,
        ageSeconds,
        occasion === 'sign_in' ? JSON.stringify(arrived) : null,
      ],
    )
    await this.links.keepClaim(tx, { issuer, subject, externalId })
    // The people SCIM describes, and their groups, are for SCIM to change.
    if (source === 'scim') return
    if (source === 'sign_in') {
      await describePerson(tx, issuer, id, statement, ageSeconds)
      await becomeManager(tx, issuer, id, statement)
    }
    if (groups) await confirmGroups(tx, { issuer, subject, userId: id }, groups, { occasion }, ageSeconds)
  }
}

function legibleSubject(subject: string): string {
  return name().safeParse(subject.slice(0, 100)).data ?? 'a person without a readable name'
}
