import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../../contract/id.ts'
import { type SessionQuery, sessionPage, sessionQuery } from '../../contract/identity.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { SessionsService } from './sessions.service.ts'

@ApiTags('people')
@Controller('api')
export class SessionsController {
  constructor(private readonly sessions: SessionsService) {}

  @Get('sessions')
  @Access({ scope: 'read' })
  @ApiOkResponse({ standardSchema: sessionPage })
  list(@CurrentCaller() caller: Caller, @Query({ schema: sessionQuery }) query: SessionQuery) {
    return this.sessions.list(caller, query)
  }

  // As with tokens, scope `read` is all it takes to give up what is one's own; somebody else's takes `manage`.
  @Delete('sessions/:id')
  @HttpCode(204)
  @Access({ scope: 'read' })
  @ApiNoContentResponse()
  end(@CurrentCaller() caller: Caller, @Param('id', { schema: id('ses') }) sessionId: string) {
    return this.sessions.end(caller, sessionId)
  }

  @Delete('users/:id/sessions')
  @HttpCode(204)
  @Access({ scope: 'manage', roles: ['admin'], fresh: false })
  @ApiNoContentResponse()
  endAll(@CurrentCaller() caller: Caller, @Param('id', { schema: id('usr') }) userId: string) {
    return this.sessions.endAll(caller, userId)
  }
}
