import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.ts'
import type { Id } from '../../contract/id.ts'
import type { Role } from '../../contract/identity.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { notingLostRoles } from './lost-roles.ts'
import { counts, groupIdsOf, hasRole, rolesOf, rolesThrough } from './membership.ts'
import { isInGoodHands } from './signs-in.ts'
import type { UserState } from './user.ts'

export interface Member {
  readonly id: Id<'usr'>
  readonly name: string
  readonly state: UserState
  readonly roles: readonly Role[]
  readonly groupIds: readonly Id<'grp'>[]
  readonly email: string | null
  readonly userName: string | null
  /** what a provider or SCIM said of them */
  readonly attributes: Readonly<Record<string, string | readonly string[]>>
  /** when this was read, by the database's clock */
  readonly now: Date
}

export interface Person {
  readonly id: Id<'usr'>
  readonly name: string
  /** what they sign in as: several people may have one name, and choose it */
  readonly userName: string | null
  readonly email: string | null
}

/** Of `u`, a row of users: a `Person`. */
export const PERSON = 'u.id, u.name, coalesce(u.user_name, u.sign_in_name) as "userName", u.email'

/** Refused, for nobody could let anybody in afterwards. */
export class LastAdmin extends BrokerError {
  constructor() {
    super('conflict', 'no active admin would be left who can sign in or has a token', {
      fix: 'make another person an admin first. If this admin enrolled all others, make one on the broker’s machine: latchkey bootstrap --name … --force-new-token',
    })
  }
}

/** Who people are and which groups they are in, read when a decision is made. Give the transaction the decision is made in. */
@Injectable()
export class Directory {
  private readonly freshMinutes: number
  private readonly issuer: string | null
  /** whether `u`, an admin, has something to come in with as one: a token that works and makes them admin, or a place at the identity provider; the issuer is `$2` */
  private readonly canGetIn: string

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) config: Config,
  ) {
    this.freshMinutes = config.groupsFreshMinutes
    this.issuer = config.oidc?.issuer ?? null
    this.canGetIn = `(exists (select from identities i where i.user_id = u.id) or exists (
      select from api_tokens t where t.user_id = u.id and t.revoked_at is null and t.expires_at > now() and ${isInGoodHands(config, '$2')}
        and 'admin' = any(${rolesThrough(this.freshMinutes)})))`
  }

  member(userId: string, tx: Tx = this.database.pool): Promise<Member | undefined> {
    return row<Member>(
      tx,
      `select id, name, state, ${rolesOf(this.freshMinutes)} as roles, ${groupIdsOf(this.freshMinutes)} as "groupIds", email,
         user_name as "userName", attributes, clock_timestamp() as now
       from users u where id = $1`,
      [userId],
    )
  }

  /** Everybody active who is named or in one of the groups, each once, by name. */
  members(groupIds: readonly string[], userIds: readonly string[], tx: Tx = this.database.pool): Promise<Person[]> {
    return rows<Person>(
      tx,
      `select ${PERSON} from users u
       where state = 'active'
         and (id = any($2) or exists (
           select from group_members m where m.user_id = u.id and m.group_id = any($1) and ${counts('m', this.freshMinutes)}))
       order by lower(name)`,
      [groupIds, userIds],
    )
  }

  /** Those of these people whose groups the provider has not told for so long that some count no more: nobody said they left them. */
  async untold(ids: readonly string[], tx: Tx = this.database.pool): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set()
    const found = await rows<{ id: string }>(
      tx,
      `select distinct m.user_id as id from group_members m where m.user_id = any($1) and not ${counts('m', this.freshMinutes)}`,
      [ids],
    )
    return new Set(found.map(({ id }) => id))
  }

  /** The company's group before one made by hand, so that making a namesake makes nobody an owner; none of a provider that is not asked any more. */
  async groupCalled(name: string, tx: Tx = this.database.pool): Promise<string | undefined> {
    const group = await row<{ id: string }>(
      tx,
      `select id from groups where lower(name) = lower($1) and (source <> 'sign_in' or issuer = coalesce($2, issuer))
       order by array_position(array['scim', 'sign_in', 'local'], source), id limit 1`,
      [name, this.issuer],
    )
    return group?.id
  }

  /** Everybody active who has one of the system roles: themselves, or by a group. */
  withRole(tx: Tx, ...roles: readonly Role[]): Promise<Person[]> {
    return rows<Person>(
      tx,
      `select ${PERSON} from users u where state = 'active' and ${hasRole('$1', this.freshMinutes)} order by lower(name), id`,
      [roles],
    )
  }

  async isAdmin(tx: Tx, userId: string): Promise<boolean> {
    return (await this.withRole(tx, 'admin')).some((admin) => admin.id === userId)
  }

  /** The admins who can get in. Until the transaction ends nobody else takes one away, so two cannot remove each other. */
  async lockAdmins(tx: Tx): Promise<string[]> {
    await rows(tx, `select pg_advisory_xact_lock(hashtext('latchkey:admins'))`)
    return this.adminsWhoCanGetIn(tx)
  }

  /** Does what may take roles away, and writes down whose. Throws `LastAdmin` when it took the last admin who can get in. */
  async keepingAnAdmin<T>(tx: Tx, actor: string, work: () => Promise<T>): Promise<T> {
    const before = await this.lockAdmins(tx)
    const result = await notingLostRoles(tx, actor, work)
    if (before.length > 0 && (await this.adminsWhoCanGetIn(tx)).length === 0) throw new LastAdmin()
    return result
  }

  private async adminsWhoCanGetIn(tx: Tx): Promise<string[]> {
    const found = await rows<{ id: string }>(
      tx,
      `select id from users u where state = 'active' and ${hasRole('$1', this.freshMinutes)} and ${this.canGetIn}`,
      [['admin'], this.issuer ?? ''],
    )
    return found.map(({ id }) => id)
  }
}
