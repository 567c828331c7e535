import { Body, Controller, Param } from '@nestjs/common'
import { extensions } from '../../contract/endpoints/grants.ts'
import type { ExtendGrant } from '../../contract/grants.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { RequestViews } from '../requests/request-views.ts'
import { ExtensionRequests } from './extension-requests.ts'

/** Asking for more time is asking: it takes the same road as the access itself. */
@Controller()
export class ExtensionsController {
  constructor(
    private readonly extensions: ExtensionRequests,
    private readonly views: RequestViews,
  ) {}

  @Endpoint(extensions.extend)
  async extend(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: extensions.extend.params.id }) grant: string,
    @Body({ schema: extensions.extend.body }) body: ExtendGrant,
  ) {
    return this.views.get(caller, await this.extensions.submit(caller, grant, body))
  }
}
