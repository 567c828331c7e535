import { Controller, Inject } from '@nestjs/common'
import type { Config } from '../../config/config.ts'
import { myself } from '../../contract/endpoints/people.ts'
import { type Me, ROLES } from '../../contract/identity.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { PersonDetails } from '../directory/person-details.ts'
import { UsersService } from './users.service.ts'

@Controller()
export class MeController {
  constructor(
    private readonly users: UsersService,
    private readonly database: Database,
    private readonly details: PersonDetails,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Endpoint(myself.get)
  async get(@CurrentCaller() caller: Caller): Promise<Me> {
    const groups = await rows<Me['groups'][number]>(
      this.database.pool,
      'select id, name from groups where id = any($1) order by lower(name)',
      [caller.groupIds],
    )
    const roles = ROLES.filter((role) => caller.roles.includes(role)) // with those of their groups
    const identities = await this.details.identities(caller.id)
    const provider = identities.find(({ issuer }) => issuer === this.config.oidc?.issuer) ?? null
    return {
      ...(await this.users.get(caller.id)),
      roles,
      groups,
      provider,
      scopes: [...caller.scopes],
      tokenId: caller.tokenId,
    }
  }
}
