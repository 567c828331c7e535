import { Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import type { Role, RoleGroups } from '../../contract/identity.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import type { Caller } from '../callers/caller.ts'
import { mustBeAnother } from '../callers/hands-of.ts'
import { Directory } from '../directory/directory.ts'
import { rolesChanged } from '../directory/directory-changed.ts'

/** Which groups give which system role, beside the roles people have themselves. */
@Injectable()
export class RoleGroupsService {
  constructor(
    private readonly database: Database,
    private readonly directory: Directory,
  ) {}

  async list(): Promise<RoleGroups> {
    const items = await rows<RoleGroups['items'][number]>(
      this.database.pool,
      `select r.role, jsonb_build_object('id', g.id, 'name', g.name) as "group"
       from role_groups r join groups g on g.id = r.group_id order by r.role, lower(g.name)`,
    )
    return { items }
  }

  /** Adding a group twice is adding it once. */
  async add(caller: Caller, role: Role, groupId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const [group] = await rows(tx, 'select id from groups where id = $1 for key share', [groupId])
      if (!group) throw new BrokerError('not_found', 'there is no such group', { field: 'groupId' })
      const members = await rows<{ id: string }>(tx, 'select user_id as id from group_members where group_id = $1', [groupId])
      await mustBeAnother(
        tx,
        caller,
        members.map(({ id }) => id),
      )
      const added = await rows(
        tx,
        'insert into role_groups (role, group_id, created_by) values ($1, $2, $3) on conflict do nothing returning role',
        [role, groupId, caller.id],
      )
      if (added.length > 0) await record(tx, { kind: 'role_group.added', actor: caller.id, subject: groupId, data: { role } })
    })
  }

  async drop(caller: Caller, role: Role, groupId: string): Promise<void> {
    await this.database.transaction((tx) =>
      this.directory.keepingAnAdmin(tx, caller.id, async () => {
        const gone = await rows(tx, 'delete from role_groups where role = $1 and group_id = $2 returning role', [role, groupId])
        if (gone.length === 0) return
        await rolesChanged(tx)
        await record(tx, { kind: 'role_group.removed', actor: caller.id, subject: groupId, data: { role } })
      }),
    )
  }
}
