import { Injectable } from '@nestjs/common'
import type { AccessRule } from '../contract/access.ts'
import { Directory } from '../identity/directory.ts'
import { row, type Tx } from '../platform/database.ts'

/** Who may decide, as the part that knows it says. `@Inject(AUDIENCES) audiences: Audiences` */
export interface Audiences {
  /** Ids of the people who may decide on a request now, never its requester; none when it waits for nobody. */
  approversOf(tx: Pick<Tx, 'query'>, requestId: string): Promise<readonly string[]>
}

export const AUDIENCES = Symbol('AUDIENCES')

/** Everybody named as an approver by the version of the flow that the request was made under. */
@Injectable()
export class NamedApprovers implements Audiences {
  constructor(private readonly directory: Directory) {}

  async approversOf(tx: Pick<Tx, 'query'>, requestId: string): Promise<string[]> {
    const request = await row<{ requesterId: string; approval: AccessRule['approval'] }>(
      tx,
      `select q.requester_id as "requesterId", v.rule -> 'approval' as approval from access_requests q
       join access_flow_versions v on v.flow_id = q.flow_id and v.version = q.flow_version where q.id = $1`,
      [requestId],
    )
    if (request?.approval.kind !== 'approvers') return []
    const { groups, users } = request.approval
    const people = await this.directory.members(groups, users, tx)
    return people.map((person) => person.id).filter((id) => id !== request.requesterId)
  }
}
