import { Body, Controller, Param, Query } from '@nestjs/common'
import { integrations } from '../contract/endpoints/integrations.ts'
import type { IntegrationChange, IntegrationTest, ListQuery, NewIntegration } from '../contract/integrations.ts'
import type { Removal } from '../contract/removals.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { Endpoint } from '../platform/http/endpoint.ts'
import { Health } from './health/health.service.ts'
import { IntegrationChanges } from './integration-changes.ts'
import { IntegrationStates } from './integration-states.ts'
import { Integrations } from './integrations.service.ts'

@Controller()
export class IntegrationsController {
  constructor(
    private readonly integrations: Integrations,
    private readonly changes: IntegrationChanges,
    private readonly states: IntegrationStates,
    private readonly health: Health,
  ) {}

  @Endpoint(integrations.list)
  list(@Query({ schema: integrations.list.query }) query: ListQuery) {
    return this.integrations.page(query)
  }

  @Endpoint(integrations.get)
  get(@Param('id', { schema: integrations.get.params.id }) integrationId: string) {
    return this.integrations.view(integrationId)
  }

  @Endpoint(integrations.minimumPolicy)
  minimumPolicy(@Param('id', { schema: integrations.minimumPolicy.params.id }) integrationId: string) {
    return this.integrations.minimumPolicy(integrationId)
  }

  @Endpoint(integrations.create)
  create(@CurrentCaller() caller: Caller, @Body({ schema: integrations.create.body }) body: NewIntegration) {
    return this.changes.create(caller, body)
  }

  /** Saves nothing. */
  @Endpoint(integrations.test)
  test(@CurrentCaller() caller: Caller, @Body({ schema: integrations.test.body }) body: IntegrationTest) {
    return this.integrations.test(caller.id, body)
  }

  @Endpoint(integrations.change)
  change(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: integrations.change.params.id }) integrationId: string,
    @Body({ schema: integrations.change.body }) body: IntegrationChange,
  ) {
    return this.changes.change(caller, integrationId, body)
  }

  @Endpoint(integrations.check)
  check(@Param('id', { schema: integrations.check.params.id }) integrationId: string) {
    return this.health.check(integrationId, 'thorough')
  }

  @Endpoint(integrations.pause)
  async pause(@CurrentCaller() caller: Caller, @Param('id', { schema: integrations.pause.params.id }) integrationId: string) {
    await this.states.pause(caller.id, integrationId)
    return this.integrations.view(integrationId)
  }

  @Endpoint(integrations.resume)
  async resume(@CurrentCaller() caller: Caller, @Param('id', { schema: integrations.resume.params.id }) integrationId: string) {
    await this.states.resume(caller.id, integrationId)
    return this.integrations.view(integrationId)
  }

  @Endpoint(integrations.remove)
  remove(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: integrations.remove.params.id }) integrationId: string,
    @Query({ schema: integrations.remove.query }) how: Removal,
  ) {
    return this.states.remove(caller, integrationId, how)
  }
}
