import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { isWanted, project, type Wanted } from './projection.ts'
import { groupResource, locationOf, type Resource, userResource } from './resources.ts'
import { type GroupRow, ScimGroups } from './scim-groups.service.ts'
import type { UserRow } from './scim-users.service.ts'

/** People and groups as SCIM is told of them: with what was asked for, and with addresses. */
@Injectable()
export class ScimTelling {
  private readonly base: string

  constructor(
    private readonly groupsOfScim: ScimGroups,
    @Inject(CONFIG) { publicUrl = '' }: Config,
  ) {
    this.base = publicUrl.replace(/\/$/, '')
  }

  users(users: readonly UserRow[], wanted: Wanted): Resource[] {
    return users.map((user) => project(userResource(user, this.base), wanted))
  }

  async groups(groups: readonly GroupRow[], wanted: Wanted): Promise<Resource[]> {
    const isAsked = isWanted('members', wanted)
    const members = isAsked ? await this.groupsOfScim.members(groups.map((group) => group.id)) : []
    const byGroup = Map.groupBy(members, (member) => member.groupId)
    return groups.map((group) =>
      project(groupResource(group, isAsked ? (byGroup.get(group.id) ?? []) : undefined, this.base), wanted),
    )
  }

  addressOf(kind: 'User' | 'Group', id: string): string {
    return locationOf(kind, id, this.base)
  }
}
