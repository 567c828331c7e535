import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../config.ts'
import type { Id } from '../contract/id.ts'
import type { Role } from '../contract/identity.ts'
import { Database, row, rows, type Tx } from '../platform/database.ts'
import { CONFIG } from '../platform/platform.module.ts'
import { counts, groupIdsOf, rolesOf } from './membership.ts'
import type { UserState } from './user.ts'

export interface Member {
  readonly id: Id<'usr'>
  readonly name: string
  readonly state: UserState
  readonly roles: readonly Role[]
  readonly groupIds: readonly Id<'grp'>[]
}

export interface Person {
  readonly id: Id<'usr'>
  readonly name: string
  readonly email: string | null
}

/** Who people are and which groups they are in, read when a decision is made. Give the transaction the decision is made in. */
@Injectable()
export class Directory {
  private readonly freshMinutes: number

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) config: Config,
  ) {
    this.freshMinutes = config.groupsFreshMinutes
  }

  member(userId: string, tx: Pick<Tx, 'query'> = this.database.pool): Promise<Member | undefined> {
    return row<Member>(
      tx,
      `select id, name, state, ${rolesOf(this.freshMinutes)} as roles, ${groupIdsOf(this.freshMinutes)} as "groupIds"
       from users u where id = $1`,
      [userId],
    )
  }

  /** Everybody active who is named or in one of the groups, each once, by name. */
  members(
    groupIds: readonly string[],
    userIds: readonly string[],
    tx: Pick<Tx, 'query'> = this.database.pool,
  ): Promise<Person[]> {
    return rows<Person>(
      tx,
      `select id, name, email from users u
       where state = 'active'
         and (id = any($2) or exists (
           select from group_members m where m.user_id = u.id and m.group_id = any($1) and ${counts('m', this.freshMinutes)}))
       order by lower(name)`,
      [groupIds, userIds],
    )
  }
}
