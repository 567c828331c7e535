import { Controller, Get, Header, Inject, Param, Query } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { z } from 'zod'
import type { Config } from '../../config/config.ts'
import { ScimAccess } from '../../platform/http/allowed-for.ts'
import { SCIM_PATH } from '../../platform/http/scim-error.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { BrokerError } from '../../sdk/index.ts'
import { listResponse, MOST_RESULTS } from './list.ts'
import { ENTERPRISE, GROUP, URN, USER } from './schemas.ts'

const SCIM_JSON = 'application/scim+json'
const anyId = z.string()
const ignored = z.object({})

/** What this server can do, in SCIM's own words (RFC 7643, sections 5 to 7). */
@ApiExcludeController()
@Controller('scim/v2')
@ScimAccess()
export class ScimDiscoveryController {
  private readonly base: string

  constructor(@Inject(CONFIG) { publicUrl = '' }: Config) {
    this.base = publicUrl.replace(/\/$/, '') + SCIM_PATH
  }

  @Get('ServiceProviderConfig')
  @Header('content-type', SCIM_JSON)
  abilities(@Query({ schema: ignored }) _query: unknown) {
    const not = { supported: false }
    return {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
      patch: { supported: true },
      bulk: { ...not, maxOperations: 0, maxPayloadSize: 0 },
      filter: { supported: true, maxResults: MOST_RESULTS },
      changePassword: not,
      sort: not,
      etag: not,
      authenticationSchemes: [
        { type: 'oauthbearertoken', name: 'Bearer token', description: 'a SCIM token, lks_…, made by an admin', primary: true },
      ],
      meta: { resourceType: 'ServiceProviderConfig', location: `${this.base}/ServiceProviderConfig` },
    }
  }

  @Get('ResourceTypes')
  @Header('content-type', SCIM_JSON)
  types(@Query({ schema: ignored }) _query: unknown) {
    return all(this.resourceTypes())
  }

  @Get('ResourceTypes/:id')
  @Header('content-type', SCIM_JSON)
  type(@Param('id', { schema: anyId }) id: string, @Query({ schema: ignored }) _query: unknown) {
    return this.resourceTypes().find((one) => one.id === id) ?? missing()
  }

  @Get('Schemas')
  @Header('content-type', SCIM_JSON)
  schemas(@Query({ schema: ignored }) _query: unknown) {
    return all(this.described())
  }

  @Get('Schemas/:id')
  @Header('content-type', SCIM_JSON)
  schema(@Param('id', { schema: anyId }) id: string, @Query({ schema: ignored }) _query: unknown) {
    return this.described().find((one) => one.id.toLowerCase() === id.toLowerCase()) ?? missing()
  }

  private resourceTypes() {
    return [
      { schema: USER, schemaExtensions: [{ schema: URN.enterprise, required: false }] },
      { schema: GROUP, schemaExtensions: [] },
    ].map(({ schema: { id: schema, name, description }, schemaExtensions }) => ({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
      id: name,
      name,
      description,
      endpoint: `/${name}s`,
      schema,
      schemaExtensions,
      meta: { resourceType: 'ResourceType', location: `${this.base}/ResourceTypes/${name}` },
    }))
  }

  private described() {
    return [USER, ENTERPRISE, GROUP].map((schema) => ({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
      ...schema,
      meta: { resourceType: 'Schema', location: `${this.base}/Schemas/${schema.id}` },
    }))
  }
}

function all(resources: readonly object[]) {
  return listResponse({ total: resources.length, startIndex: 1 }, resources)
}

function missing(): never {
  throw new BrokerError('not_found', 'there is no such thing')
}
