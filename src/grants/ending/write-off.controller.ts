import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common'
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { type WriteOff, writeOff, writtenOffGrants } from '../../contract/grants.ts'
import { id } from '../../contract/id.ts'
import { proposalView } from '../../contract/proposals.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { WritingOff } from './write-off.ts'

@ApiTags('integrations')
@Controller('api/integrations')
export class WriteOffController {
  constructor(private readonly writing: WritingOff) {}

  @Post(':id/write-off')
  @HttpCode(200)
  @Access({ scope: 'manage', roles: ['admin'] })
  @ApiOkResponse({ standardSchema: writtenOffGrants })
  @ApiAcceptedResponse({ standardSchema: proposalView })
  write(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('int') }) integrationId: string,
    @Body({ schema: writeOff }) body: WriteOff,
  ) {
    return this.writing.order(caller, integrationId, body)
  }
}
