import { Injectable } from '@nestjs/common'
import type { Caller } from '../../identity/callers/caller.ts'
import { Database, row, type Tx } from '../../platform/postgres/database.ts'
import type { Attributes } from '../rules/conditions.ts'
import type { Requester } from '../rules/evaluate.ts'

interface Known {
  readonly name: string
  readonly email: string | null
  readonly userName: string | null
  readonly attributes: Attributes
  readonly now: Date
}

/** What the directory knows of somebody who asks, and what time it is. */
@Injectable()
export class Requesters {
  constructor(private readonly database: Database) {}

  async read(person: Pick<Caller, 'id' | 'groupIds'>, tx: Tx = this.database.pool): Promise<{ requester: Requester; now: Date }> {
    const known = await row<Known>(
      tx,
      `select name, email, user_name as "userName", attributes, clock_timestamp() as now from users where id = $1`,
      [person.id],
    )
    if (!known) throw new TypeError(`there is no person ${person.id}`)
    const attributes = {
      ...known.attributes,
      name: known.name,
      ...(known.email && { email: known.email }),
      ...(known.userName && { user_name: known.userName }),
    }
    return { requester: { id: person.id, groupIds: person.groupIds, attributes }, now: known.now }
  }
}
