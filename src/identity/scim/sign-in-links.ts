import { Inject, Injectable } from '@nestjs/common'
import { BROKER, record } from '../../audit/record.ts'
import type { Config } from '../../config/config.ts'
import type { Id } from '../../contract/id.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import type { User } from '../directory/user.ts'
import { lockOut } from '../sessions/lock-out.ts'
import { GIVEN_HERE, merge } from './merge.ts'
import { NeverSignedIn, NotLinked, noteNotLinked } from './not-linked.ts'

export interface KnownPerson {
  readonly id: Id<'usr'>
  readonly state: string
  readonly source: User['source']
}

/** Somebody who signs in, as SCIM means them by an externalId. */
export interface Holder extends KnownPerson {
  /** brought by SCIM, and not removed */
  readonly isProvisioned: boolean
}

export interface SigningIn {
  readonly issuer: string
  readonly subject: string
  readonly externalId: string | undefined
}

/** `$1` the issuer, `$2` the claim, `$3` the externalId; where the claim is the subject, nothing needed to be kept. */
const IS_MEANT = `i.issuer = $1 and case when $2 = 'sub' then i.subject = $3 else i.external_id_claim = $2 and i.external_id = $3 end`

/** Keeps the person who signs in and the one SCIM describes one person, whichever of the two came first. */
@Injectable()
export class SignInLinks {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Until the transaction ends SCIM changes nobody. To be taken before anything else. */
  async lockForSignIn(tx: Tx): Promise<void> {
    await rows(tx, `select pg_advisory_xact_lock_shared(hashtext('latchkey:scim'))`)
  }

  /** What the claim said stays with the identity: SCIM may ask for it later. A token that leaves it out takes nothing back. */
  async keepClaim(tx: Tx, { issuer, subject, externalId }: SigningIn): Promise<void> {
    if (externalId === undefined) return
    await rows(
      tx,
      `update identities set external_id = $3, external_id_claim = $4
       where issuer = $1 and subject = $2 and (external_id, external_id_claim) is distinct from ($3, $4)`,
      [issuer, subject, externalId, this.config.oidc?.scimClaim],
    )
  }

  /** Who somebody is that signs in; undefined when nobody is, and they may be made. They may be disabled. */
  async atSignIn(tx: Tx, who: SigningIn, known: KnownPerson | undefined): Promise<KnownPerson | undefined> {
    await this.keepClaim(tx, who)
    if (known?.source === 'scim') return known
    const externalId = who.externalId ?? (await keptClaim(tx, who, this.config.oidc?.scimClaim))
    const provisioned = externalId === undefined ? undefined : await provisionedAs(tx, externalId)
    const person = provisioned ? await (known ? this.together(tx, known, provisioned) : this.linked(tx, who, provisioned)) : known
    if (this.config.oidc?.onlyScim && person?.source !== 'scim') {
      throw new BrokerError('auth.forbidden', 'only people that SCIM brought may sign in')
    }
    return person
  }

  /** The one SCIM is about to bring, if they sign in already. Throws `NotLinked` when somebody else of SCIM's does so. */
  async adoptable(tx: Tx, actor: string, externalId: string): Promise<Holder | undefined> {
    const holders = await this.holders(tx, externalId)
    const provisioned = holders.find((holder) => holder.isProvisioned)
    if (provisioned) throw new NotLinked({ reason: 'provisioned_as_another', other: provisioned.id })
    await this.forget(
      tx,
      actor,
      holders.filter((holder) => holder.source === 'scim'),
    )
    const [one, another] = holders.filter((holder) => holder.source !== 'scim')
    if (another) throw new NotLinked({ reason: 'several_sign_ins', other: another.id })
    return one
  }

  /** After somebody of SCIM's got this externalId: they and who signs in with it become one, as far as that is safe. */
  async reunite(tx: Tx, actor: string, userId: string, externalId: string): Promise<void> {
    const found = await this.adoptable(tx, actor, externalId).catch((error: unknown) => {
      if (error instanceof NotLinked && error.fact.other === userId) return undefined
      throw error
    })
    if (found) await this.join(tx, actor, userId, found.id)
  }

  /** Who never signed in is the next to sign in by their externalId. What was given to the one is not meant for the other. */
  async mustNotBecomeAnother(tx: Tx, userId: string): Promise<void> {
    const found = await row(
      tx,
      `select from users u where u.id = $1 and ${GIVEN_HERE} and not exists (select from identities i where i.user_id = u.id and i.issuer = $2)`,
      [userId, this.config.oidc?.issuer ?? ''],
    )
    if (found) throw new NeverSignedIn()
  }

  /** Somebody was disabled here, which is how an admin says which of two is to go. */
  async reuniteDisabled(tx: Tx, actor: string, userId: string): Promise<void> {
    const externalIds = await rows<{ externalId: string }>(
      tx,
      `select external_id as "externalId" from users where id = $1 and source = 'scim' and external_id is not null
       union select case when $3 = 'sub' then i.subject else i.external_id end from identities i
       where i.user_id = $1 and i.issuer = $2 and ($3 = 'sub' or i.external_id_claim = $3)`,
      [userId, this.config.oidc?.issuer ?? '', this.config.oidc?.scimClaim ?? ''],
    )
    for (const { externalId } of externalIds) {
      const provisioned = await provisionedAs(tx, externalId)
      const [holder] = (await this.holders(tx, externalId)).filter(({ source }) => source !== 'scim')
      if (provisioned?.isProvisioned && holder) await this.join(tx, actor, provisioned.id, holder.id)
    }
  }

  /** Who left as SCIM says leaves as who signs in, too, where the two could not be made one. */
  async disableTwins(tx: Tx, actor: string, externalIds: readonly (string | undefined)[]): Promise<void> {
    for (const externalId of new Set(externalIds)) {
      const holders = externalId === undefined ? [] : await this.holders(tx, externalId)
      for (const { id, source, state } of holders) if (source !== 'scim' && state === 'active') await this.disable(tx, actor, id)
    }
  }

  /** Two who have one address and could not be connected are probably one. */
  async noteLookAlikes(tx: Tx, actor: string, userId: string): Promise<void> {
    if (!this.config.oidc) return
    const others = await rows<{ id: string }>(
      tx,
      `select o.id from users u join users o on o.id <> u.id and lower(o.email) = lower(u.email) and o.state = 'active'
       where u.id = $1 and (u.source = 'scim') <> (o.source = 'scim')
         and (select count(*) from identities i where i.user_id in (u.id, o.id)) = 1
         and exists (select from users p where p.id in (u.id, o.id) and p.user_name is not null) order by o.id limit 5`,
      [userId],
    )
    for (const other of others) await noteNotLinked(tx, actor, userId, { reason: 'looks_alike', other: other.id })
  }

  /** Whose sign-ins SCIM means by an externalId. */
  private holders(tx: Tx, externalId: string): Promise<Holder[]> {
    const { issuer, scimClaim } = this.config.oidc ?? { issuer: '', scimClaim: '' }
    return rows<Holder>(
      tx,
      `select u.id, u.state, u.source, u.source = 'scim' and u.user_name is not null as "isProvisioned" from users u
       where u.id in (select i.user_id from identities i where ${IS_MEANT}) order by u.id for update of u`,
      [issuer, scimClaim, externalId],
    )
  }

  private async linked(tx: Tx, { issuer, subject }: SigningIn, person: Holder): Promise<KnownPerson> {
    const other = await row(tx, 'select from identities where user_id = $1 and issuer = $2', [person.id, issuer])
    if (other) throw new BrokerError('auth.forbidden', 'this account is already linked to another sign-in')
    await record(tx, { kind: 'identity.linked', actor: person.id, subject: person.id, data: { issuer, subject } })
    return person
  }

  private async together(tx: Tx, known: KnownPerson, provisioned: Holder): Promise<KnownPerson> {
    const kept = provisioned.isProvisioned ? await this.join(tx, BROKER, provisioned.id, known.id) : undefined
    if (kept === undefined && provisioned.state !== 'active' && known.state === 'active') await this.disable(tx, BROKER, known.id)
    const now = await row<KnownPerson>(tx, 'select id, state, source from users where id = $1', [kept ?? known.id])
    return now ?? known
  }

  private async join(tx: Tx, actor: string, provisioned: string, signsIn: string): Promise<string | undefined> {
    const other = await row(tx, 'select from identities where user_id = $1 and issuer = $2', [
      provisioned,
      this.config.oidc?.issuer,
    ])
    const kept = other ? undefined : await merge(tx, actor, { provisioned, signsIn })
    if (kept !== undefined) return kept
    const reason = other ? 'signs_in_as_another' : 'both_have_a_past'
    await noteNotLinked(tx, actor, provisioned, { reason, other: signsIn })
    return undefined
  }

  private async disable(tx: Tx, actor: string, userId: string): Promise<void> {
    await rows(tx, `update users set state = 'disabled', changed_at = now() where id = $1`, [userId])
    await lockOut(tx, actor, userId)
    await record(tx, { kind: 'user.changed', actor, subject: userId, data: { state: 'disabled', reason: 'left_the_directory' } })
  }

  /** A person SCIM removed does not sign in as the one who comes after them. */
  private async forget(tx: Tx, actor: string, removed: readonly Holder[]): Promise<void> {
    const forgotten = await rows<{ userId: string; issuer: string; subject: string }>(
      tx,
      'delete from identities where user_id = any($1) returning user_id as "userId", issuer, subject',
      [removed.map(({ id }) => id)],
    )
    await record(
      tx,
      ...forgotten.map(({ userId, ...data }) => ({ kind: 'identity.forgotten' as const, actor, subject: userId, data })),
    )
  }
}

/** The person SCIM describes with this externalId; else the one it removed last. */
async function provisionedAs(tx: Tx, externalId: string): Promise<Holder | undefined> {
  return row<Holder>(
    tx,
    `select id, state, source, user_name is not null as "isProvisioned" from users
     where source = 'scim' and (external_id = $1 or (user_name is null and scim->>'externalId' = $1))
     order by external_id is null, id desc limit 1 for update`,
    [externalId],
  )
}

async function keptClaim(tx: Tx, { issuer, subject }: SigningIn, claim: string | undefined): Promise<string | undefined> {
  const kept = await row<{ externalId: string }>(
    tx,
    `select external_id as "externalId" from identities where issuer = $1 and subject = $2 and external_id_claim = $3`,
    [issuer, subject, claim],
  )
  return kept?.externalId
}
