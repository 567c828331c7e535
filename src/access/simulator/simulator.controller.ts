import { Body, Controller } from '@nestjs/common'
import { simulator } from '../../contract/endpoints/access.ts'
import type { NewSimulation } from '../../contract/simulation.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { Simulator } from './simulator.ts'

@Controller()
export class SimulatorController {
  constructor(private readonly simulator: Simulator) {}

  @Endpoint(simulator.simulate)
  simulate(@Body({ schema: simulator.simulate.body }) body: NewSimulation) {
    return this.simulator.simulate(body)
  }
}
