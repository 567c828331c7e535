import { Body, Controller, HttpCode, Post } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { type NewSimulation, newSimulation, simulation } from '../../contract/simulation.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { Simulator } from './simulator.ts'

@ApiTags('access')
@Controller('api/access-flows')
export class SimulatorController {
  constructor(private readonly simulator: Simulator) {}

  @Post('simulate')
  @HttpCode(200)
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: simulation })
  simulate(@Body({ schema: newSimulation }) body: NewSimulation) {
    return this.simulator.simulate(body)
  }
}
