import { Body, Controller, Param, Post } from '@nestjs/common'
import { ApiCreatedResponse, ApiTags } from '@nestjs/swagger'
import { type ExtendGrant, extendGrant } from '../../contract/grants.ts'
import { id } from '../../contract/id.ts'
import { requestView } from '../../contract/requests.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { RequestViews } from '../requests/request-views.ts'
import { ExtensionRequests } from './extension-requests.ts'

/** Asking for more time is asking: it takes the same road as the access itself. */
@ApiTags('grants')
@Controller('api/grants')
export class ExtensionsController {
  constructor(
    private readonly extensions: ExtensionRequests,
    private readonly views: RequestViews,
  ) {}

  @Post(':id/extend')
  @Access({ scope: 'request' })
  @ApiCreatedResponse({ standardSchema: requestView })
  async extend(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('grt') }) grant: string,
    @Body({ schema: extendGrant }) body: ExtendGrant,
  ) {
    return this.views.get(caller, await this.extensions.submit(caller, grant, body))
  }
}
