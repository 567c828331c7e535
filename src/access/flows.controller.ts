import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common'
import { ApiAcceptedResponse, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { Response } from 'express'
import {
  type ChangedFlow,
  changedFlow,
  type FlowQuery,
  flowPage,
  flowQuery,
  flowView,
  type NewFlow,
  newFlow,
} from '../contract/access.ts'
import { id } from '../contract/id.ts'
import { proposalView } from '../contract/proposals.ts'
import { type NewSimulation, newSimulation, simulation } from '../contract/simulation.ts'
import { type Caller, CurrentCaller } from '../identity/caller.ts'
import { Access } from '../platform/access.ts'
import { FourEyes } from '../proposals/four-eyes.ts'
import type { Json } from '../sdk/index.ts'
import { Flows } from './flows.service.ts'
import { Simulator } from './simulator.ts'

@ApiTags('access')
@Controller('api/access-flows')
@Access({ scope: 'manage', roles: ['admin', 'owner'] })
export class FlowsController {
  constructor(
    private readonly flows: Flows,
    private readonly simulator: Simulator,
    private readonly fourEyes: FourEyes,
  ) {}

  @Post()
  @ApiCreatedResponse({ standardSchema: flowView })
  @ApiAcceptedResponse({ standardSchema: proposalView })
  create(
    @CurrentCaller() caller: Caller,
    @Body({ schema: newFlow }) body: NewFlow,
    @Res({ passthrough: true }) response: Response,
  ) {
    const change = async () => ({ kind: 'flow.create', subject: null, body, summary: body as unknown as Json }) as const
    return this.fourEyes.make(caller, response, change, () => this.flows.create(caller, body))
  }

  @Get()
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: flowPage })
  list(@Query({ schema: flowQuery }) query: FlowQuery) {
    return this.flows.list(query)
  }

  @Post('simulate')
  @HttpCode(200)
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: simulation })
  simulate(@Body({ schema: newSimulation }) body: NewSimulation) {
    return this.simulator.simulate(body)
  }

  @Get(':id')
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: flowView })
  get(@Param('id', { schema: id('flw') }) flowId: string) {
    return this.flows.get(flowId)
  }

  @Patch(':id')
  @ApiOkResponse({ standardSchema: flowView })
  @ApiAcceptedResponse({ standardSchema: proposalView })
  change(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('flw') }) flowId: string,
    @Body({ schema: changedFlow }) body: ChangedFlow,
    @Res({ passthrough: true }) response: Response,
  ) {
    const change = async () => {
      await this.flows.get(flowId)
      return { kind: 'flow.change', subject: flowId, body, summary: body as unknown as Json } as const
    }
    return this.fourEyes.make(caller, response, change, () => this.flows.change(caller, flowId, body))
  }
}
