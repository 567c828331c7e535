import { Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import { isId, newId } from '../../platform/ids.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { GROUP_COLUMNS } from './group-columns.ts'
import { type Found, findPage, type ListQuery } from './list.ts'
import { addMembers, dropMembers, keepOnly } from './members.ts'
import { operationsOf } from './patch.ts'
import { type GroupChange, groupChanges, readGroup } from './patch-group.ts'
import type { ScimClient } from './scim-authentication.ts'
import { scimId } from './scim-id.ts'
import { ScimWrites, SeenByLeaver } from './scim-writes.ts'

export interface GroupRow {
  readonly id: string
  readonly name: string
  readonly externalId: string | null
  readonly createdAt: Date
  readonly changedAt: Date
}

export interface MemberRow {
  readonly groupId: string
  readonly value: string
  readonly display: string
}

const SELECT = `select g.id, g.name, g.external_id as "externalId", g.created_at as "createdAt", g.changed_at as "changedAt"`
// Groups made here or by sign-ins are none of SCIM's.
const FROM = `from groups g where g.source = 'scim'`

@Injectable()
export class ScimGroups {
  constructor(
    private readonly database: Database,
    private readonly writes: ScimWrites,
  ) {}

  list(query: ListQuery): Promise<Found<GroupRow>> {
    return findPage<GroupRow>(this.database, { select: SELECT, from: FROM, columns: GROUP_COLUMNS }, query)
  }

  async get(id: string, tx: Tx = this.database.pool): Promise<GroupRow> {
    const found = isId('grp', id) ? await row<GroupRow>(tx, `${SELECT} ${FROM} and g.id = $1`, [id]) : undefined
    return found ?? missing()
  }

  members(groupIds: readonly string[]): Promise<MemberRow[]> {
    return rows<MemberRow>(
      this.database.pool,
      `select m.group_id as "groupId", ${scimId('p')} as value, p.name as display
       from group_members m join users p on p.id = m.user_id where m.group_id = any($1) order by p.id`,
      [groupIds],
    )
  }

  create(client: ScimClient, body: unknown): Promise<GroupRow> {
    const { name, externalId, members } = readGroup(body)
    const id = newId('grp')
    return this.writes.run(client, id, async (tx, mayGive) => {
      if (!mayGive) throw new SeenByLeaver()
      await rows(tx, `insert into groups (id, name, source, external_id) values ($1, $2, 'scim', $3)`, [id, name, externalId])
      await record(tx, { kind: 'group.created', actor: client.actor, subject: id, data: { name, source: 'scim', externalId } })
      await addMembers(tx, client.actor, id, members)
      return this.get(id, tx)
    })
  }

  replace(client: ScimClient, id: string, body: unknown): Promise<GroupRow> {
    const { name, externalId, members } = readGroup(body)
    return this.change(client, id, [
      { kind: 'name', name },
      { kind: 'external_id', externalId },
      { kind: 'keep_only', members },
    ])
  }

  patch(client: ScimClient, id: string, body: unknown): Promise<GroupRow> {
    return this.change(client, id, groupChanges(operationsOf(body)))
  }

  /** A group of the same name that comes later is another one: no flow and no role knows it. */
  remove(client: ScimClient, id: string): Promise<void> {
    return this.writes.run(client, id, async (tx) => {
      const { name, externalId } = await this.locked(tx, id)
      await dropMembers(tx, client.actor, id, { kind: 'all' })
      await rows(tx, 'delete from groups where id = $1', [id])
      await record(tx, { kind: 'group.removed', actor: client.actor, subject: id, data: { name, externalId } })
    })
  }

  private change(client: ScimClient, id: string, changes: readonly GroupChange[]): Promise<GroupRow> {
    return this.writes.run(client, id, async (tx, mayGive) => {
      const before = await this.locked(tx, id)
      const members = mayGive ? [] : await memberIds(tx, id)
      const moved: boolean[] = []
      for (const change of changes) moved.push(await apply(tx, client.actor, id, change))
      if (!mayGive && (await memberIds(tx, id)).some((one) => !members.includes(one))) throw new SeenByLeaver()
      const after = await this.get(id, tx)
      const { name, externalId } = after
      const isRenamed = name !== before.name || externalId !== before.externalId
      if (!mayGive && isRenamed) throw new SeenByLeaver()
      if (isRenamed) {
        await record(tx, { kind: 'group.changed', actor: client.actor, subject: id, data: { name, externalId } })
      }
      if (!isRenamed && !moved.includes(true)) return after
      await rows(tx, 'update groups set changed_at = now() where id = $1', [id])
      return this.get(id, tx)
    })
  }

  private async locked(tx: Tx, id: string): Promise<GroupRow> {
    await rows(tx, 'select from groups where id = $1 for update', [id])
    return this.get(id, tx)
  }
}

async function memberIds(tx: Tx, groupId: string): Promise<string[]> {
  const found = await rows<{ id: string }>(tx, 'select user_id as id from group_members where group_id = $1', [groupId])
  return found.map(({ id }) => id)
}

/** Whether somebody came or went. */
async function apply(tx: Tx, actor: string, id: string, change: GroupChange): Promise<boolean> {
  switch (change.kind) {
    case 'name':
      await rows(tx, 'update groups set name = $2 where id = $1 and name <> $2', [id, change.name])
      return false
    case 'external_id':
      await rows(tx, 'update groups set external_id = $2 where id = $1', [id, change.externalId])
      return false
    case 'add':
      return addMembers(tx, actor, id, change.members)
    case 'keep_only':
      return keepOnly(tx, actor, id, change.members)
    case 'drop':
      return dropMembers(tx, actor, id, change.which)
  }
}

function missing(): never {
  throw new BrokerError('not_found', 'there is no such group')
}
