import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import { record } from '../../audit/record.ts'
import { id } from '../../contract/id.ts'
import type { GroupQuery, GroupView, GroupWithMembers, NewGroup } from '../../contract/identity.ts'
import type { Page } from '../../contract/lists.ts'
import { type CursorKind, Cursors } from '../../platform/http/cursors.ts'
import { newId } from '../../platform/ids.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { violates } from '../../platform/postgres/database-errors.ts'
import { BrokerError } from '../../sdk/index.ts'
import type { Caller } from '../callers/caller.ts'
import { mustBeAnother } from '../callers/hands-of.ts'
import { Directory } from '../directory/directory.ts'
import { directoryChanged } from '../directory/directory-changed.ts'
import { GROUP_COLUMNS, type Group } from './group.ts'

// By name, which one group of each source may have.
const GROUPS: CursorKind<[string, string]> = { list: 'groups', position: z.tuple([z.string(), id('grp')]) }

@Injectable()
export class GroupsService {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
    private readonly directory: Directory,
  ) {}

  async list({ limit, cursor }: GroupQuery): Promise<Page<GroupView>> {
    const after = this.cursors.read(GROUPS, cursor)
    const found = await rows<Group & { folded: string }>(
      this.database.pool,
      `select ${GROUP_COLUMNS}, lower(name) as folded from groups
       where $1::text is null or (lower(name), id) > ($1, $2) order by lower(name), id limit $3`,
      [after?.[0] ?? null, after?.[1] ?? null, limit + 1],
    )
    return this.cursors.page(GROUPS, found, limit, (one) => [one.folded, one.id], viewOf)
  }

  async get(id: string): Promise<GroupWithMembers> {
    const group = (await row<Group>(this.database.pool, `select ${GROUP_COLUMNS} from groups where id = $1`, [id])) ?? missing()
    const members = await rows<GroupWithMembers['members'][number]>(
      this.database.pool,
      `select id, name, state from users where id in (select user_id from group_members where group_id = $1) order by lower(name)`,
      [id],
    )
    return { ...viewOf(group), members }
  }

  async create(caller: Caller, { name }: NewGroup): Promise<GroupView> {
    return this.database.transaction(async (tx) => {
      const id = newId('grp')
      const made = row<Group>(tx, `insert into groups (id, name) values ($1, $2) returning ${GROUP_COLUMNS}`, [id, name])
      const group = await made.catch((error: unknown) => {
        if (!violates(error, 'groups_name_taken')) throw error
        throw new BrokerError('name.taken', `another group has the name ${name}`, { cause: error, field: 'name' })
      })
      await record(tx, { kind: 'group.created', actor: caller.id, subject: id, data: { name } })
      return viewOf(group!)
    })
  }

  async remove(caller: Caller, id: string): Promise<void> {
    await this.database.transaction((tx) =>
      this.directory.keepingAnAdmin(tx, caller.id, async () => {
        const [gone] = await rows<{ name: string }>(tx, 'delete from groups where id = $1 returning name', [id])
        if (!gone) missing()
        await directoryChanged(tx)
        await record(tx, { kind: 'group.removed', actor: caller.id, subject: id, data: { name: gone?.name } })
      }),
    )
  }

  /** Adding a member twice is adding them once. */
  async add(caller: Caller, id: string, userId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      await this.mustExist(tx, id, userId)
      await mustBeAnother(tx, caller, [userId])
      const added = await rows(
        tx,
        'insert into group_members (group_id, user_id) values ($1, $2) on conflict do nothing returning user_id',
        [id, userId],
      )
      if (added.length === 0) return
      await directoryChanged(tx)
      await record(tx, { kind: 'group.member_added', actor: caller.id, subject: id, data: { userId } })
    })
  }

  async drop(caller: Caller, id: string, userId: string): Promise<void> {
    await this.database.transaction((tx) =>
      this.directory.keepingAnAdmin(tx, caller.id, async () => {
        await this.mustExist(tx, id, userId)
        const dropped = await rows(tx, 'delete from group_members where group_id = $1 and user_id = $2 returning user_id', [
          id,
          userId,
        ])
        if (dropped.length === 0) return
        await directoryChanged(tx)
        await record(tx, { kind: 'group.member_removed', actor: caller.id, subject: id, data: { userId } })
      }),
    )
  }

  private async mustExist(tx: Tx, id: string, userId: string): Promise<void> {
    const [group] = await rows<{ source: string }>(tx, 'select source from groups where id = $1 for key share', [id])
    if (!group) missing()
    if (group?.source !== 'local') {
      throw new BrokerError('conflict', 'the identity provider decides who is in this group', {
        fix: 'change it at the identity provider',
      })
    }
    const [user] = await rows(tx, 'select id from users where id = $1 for key share', [userId])
    if (!user) throw new BrokerError('not_found', 'there is no such person', { field: 'userId' })
  }
}

function viewOf({ id, name, source, issuer, createdAt }: Group): GroupView {
  return { id, name, source, issuer, createdAt: createdAt.toISOString() }
}

function missing(): never {
  throw new BrokerError('not_found', 'there is no such group')
}
