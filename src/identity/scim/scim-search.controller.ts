import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { z } from 'zod'
import { ScimAccess } from '../../platform/http/allowed-for.ts'
import { ScimRefusal } from '../../platform/http/scim-error.ts'
import { type Found, type ListQuery, listResponse, MOST_RESULTS } from './list.ts'
import { ScimGroups } from './scim-groups.service.ts'
import { ScimUsers } from './scim-users.service.ts'
import { searchOf } from './search.ts'
import { ScimTelling } from './telling.ts'

const SCIM_JSON = 'application/scim+json'
const object = z.record(z.string(), z.unknown())

/** Lists whose query comes in the body, as it may be long or nobody's to log. */
@ApiExcludeController()
@Controller('scim/v2')
@ScimAccess()
export class ScimSearchController {
  constructor(
    private readonly users: ScimUsers,
    private readonly groups: ScimGroups,
    private readonly telling: ScimTelling,
  ) {}

  @Post('Users/.search')
  @HttpCode(200)
  @Header('content-type', SCIM_JSON)
  async findUsers(@Body({ schema: object }) body: unknown) {
    const query = searchOf(body)
    const found = await this.users.list(query)
    return listResponse(found, this.telling.users(found.rows, query))
  }

  @Post('Groups/.search')
  @HttpCode(200)
  @Header('content-type', SCIM_JSON)
  async findGroups(@Body({ schema: object }) body: unknown) {
    const query = searchOf(body)
    const found = await this.groups.list(query)
    return listResponse(found, await this.telling.groups(found.rows, query))
  }

  /** People first, then groups, numbered as one list. A filter that only one of them can have finds none of the other. */
  @Post('.search')
  @HttpCode(200)
  @Header('content-type', SCIM_JSON)
  async findAll(@Body({ schema: object }) body: unknown) {
    const query = searchOf(body)
    const startIndex = Math.max(1, query.startIndex ?? 1)
    const count = Math.min(Math.max(0, query.count ?? 100), MOST_RESULTS)
    const users = await possible(this.users.list({ ...query, startIndex, count }))
    const rest = { ...query, startIndex: Math.max(1, startIndex - (users?.total ?? 0)), count: count - (users?.rows.length ?? 0) }
    const groups = await possible(this.groups.list(rest satisfies ListQuery))
    if (!users && !groups) await this.users.list(query) // says what is wrong with the filter
    const resources = [...this.telling.users(users?.rows ?? [], query), ...(await this.telling.groups(groups?.rows ?? [], query))]
    return listResponse({ total: (users?.total ?? 0) + (groups?.total ?? 0), startIndex }, resources)
  }
}

async function possible<Row>(list: Promise<Found<Row>>): Promise<Found<Row> | undefined> {
  return list.catch((error: unknown) => {
    if (error instanceof ScimRefusal && error.scimType === 'invalidFilter') return undefined
    throw error
  })
}
