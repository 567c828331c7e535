import { Injectable } from '@nestjs/common'
import type { Caller } from '../../identity/callers/caller.ts'
import type { Member } from '../../identity/directory/directory.ts'
import { Database, row, type Tx } from '../../platform/postgres/database.ts'
import type { Requester } from '../rules/evaluate.ts'

type Known = Pick<Member, 'id' | 'name' | 'email' | 'userName' | 'attributes' | 'groupIds' | 'now'>

/** What the directory knows of somebody who asks, and what time it is. */
@Injectable()
export class Requesters {
  constructor(private readonly database: Database) {}

  async read(person: Pick<Caller, 'id' | 'groupIds'>, tx: Tx = this.database.pool): Promise<{ requester: Requester; now: Date }> {
    const known = await row<Omit<Known, 'groupIds'>>(
      tx,
      `select id, name, email, user_name as "userName", attributes, clock_timestamp() as now from users where id = $1`,
      [person.id],
    )
    if (!known) throw new TypeError(`there is no person ${person.id}`)
    return requesterFrom({ ...known, groupIds: person.groupIds as Known['groupIds'] })
  }
}

/** The same of a member who has been read. */
export function requesterFrom({ id, name, email, userName, attributes, groupIds, now }: Known): {
  requester: Requester
  now: Date
} {
  const stated = { ...attributes, name, ...(email && { email }), ...(userName && { user_name: userName }) }
  return { requester: { id, groupIds, attributes: stated }, now }
}
