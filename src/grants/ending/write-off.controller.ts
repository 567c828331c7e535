import { Body, Controller, Param } from '@nestjs/common'
import { writingOff } from '../../contract/endpoints/integrations.ts'
import type { WriteOff } from '../../contract/grants.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { WritingOff } from './write-off.ts'

@Controller()
export class WriteOffController {
  constructor(private readonly writing: WritingOff) {}

  @Endpoint(writingOff.order)
  write(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: writingOff.order.params.id }) integrationId: string,
    @Body({ schema: writingOff.order.body }) body: WriteOff,
  ) {
    return this.writing.order(caller, integrationId, body)
  }
}
