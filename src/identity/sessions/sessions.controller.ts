import { Controller, Param, Query } from '@nestjs/common'
import { sessions } from '../../contract/endpoints/people.ts'
import type { SessionQuery } from '../../contract/identity.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { SessionsService } from './sessions.service.ts'

@Controller()
export class SessionsController {
  constructor(private readonly sessions: SessionsService) {}

  @Endpoint(sessions.list)
  list(@CurrentCaller() caller: Caller, @Query({ schema: sessions.list.query }) query: SessionQuery) {
    return this.sessions.list(caller, query)
  }

  // As with tokens, scope `read` is all it takes to give up what is one's own; somebody else's takes `manage`.
  @Endpoint(sessions.end)
  end(@CurrentCaller() caller: Caller, @Param('id', { schema: sessions.end.params.id }) sessionId: string) {
    return this.sessions.end(caller, sessionId)
  }

  @Endpoint(sessions.endAll)
  endAll(@CurrentCaller() caller: Caller, @Param('id', { schema: sessions.endAll.params.id }) userId: string) {
    return this.sessions.endAll(caller, userId)
  }
}
