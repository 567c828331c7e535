import { Global, type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common'
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core'
import { Directory } from './directory/directory.ts'
import { PersonDetails } from './directory/person-details.ts'
import { GroupsController } from './groups/groups.controller.ts'
import { GroupsService } from './groups/groups.service.ts'
import { RoleGroupsController } from './groups/role-groups.controller.ts'
import { RoleGroupsService } from './groups/role-groups.service.ts'
import { AccessGuard } from './guard/access.guard.ts'
import { Authentication } from './guard/authentication.ts'
import { Freshness } from './guard/freshness.ts'
import { RefusedCalls } from './guard/refused-calls.ts'
import { LandingController } from './landing.controller.ts'
import { MeController } from './people/me.controller.ts'
import { UsersController } from './people/users.controller.ts'
import { UsersService } from './people/users.service.ts'
import { Attempts } from './refusals/attempts.ts'
import { Refusals } from './refusals/refusals.ts'
import { ScimDiscoveryController } from './scim/discovery.controller.ts'
import { Reunion } from './scim/reunion.ts'
import { ScimAuthentication } from './scim/scim-authentication.ts'
import { ScimGroupsController } from './scim/scim-groups.controller.ts'
import { ScimGroups } from './scim/scim-groups.service.ts'
import { ScimSearchController } from './scim/scim-search.controller.ts'
import { ScimTokens } from './scim/scim-tokens.service.ts'
import { ScimUsersController } from './scim/scim-users.controller.ts'
import { ScimUsers } from './scim/scim-users.service.ts'
import { ScimWrites } from './scim/scim-writes.ts'
import { SignInLinks } from './scim/sign-in-links.ts'
import { ScimTelling } from './scim/telling.ts'
import { SessionsController } from './sessions/sessions.controller.ts'
import { SessionsService } from './sessions/sessions.service.ts'
import { CodeFlow } from './sign-in/code-flow.ts'
import { Confirmation } from './sign-in/confirmation.ts'
import { HttpSessions, useHttpSessions } from './sign-in/http-sessions.ts'
import { JwtCallers } from './sign-in/jwt-callers.ts'
import { LogoutNotices } from './sign-in/logout-notices.ts'
import { People } from './sign-in/people.ts'
import { Provider } from './sign-in/provider.ts'
import { ProviderCheckController } from './sign-in/provider-check.controller.ts'
import { ProviderCheck } from './sign-in/provider-check.ts'
import { ProviderTokens } from './sign-in/provider-tokens.ts'
import { SessionRefresh } from './sign-in/session-refresh.ts'
import { SessionTokens } from './sign-in/session-tokens.ts'
import { SignInController } from './sign-in/sign-in.controller.ts'
import { SignIn } from './sign-in/sign-in.service.ts'
import { SignInCookies } from './sign-in/sign-in-cookies.ts'
import { EnrolmentController } from './tokens/enrolment.controller.ts'
import { Enrolments } from './tokens/enrolment.service.ts'
import { TokensController } from './tokens/tokens.controller.ts'
import { TokensService } from './tokens/tokens.service.ts'

/** People, what they prove themselves with, and the guard before every endpoint. Everybody may ask the `Directory`. */
@Global()
@Module({
  controllers: [
    UsersController,
    GroupsController,
    RoleGroupsController,
    TokensController,
    EnrolmentController,
    SessionsController,
    MeController,
    SignInController,
    LandingController,
    ProviderCheckController,
    ScimDiscoveryController,
    ScimUsersController,
    ScimSearchController,
    ScimGroupsController,
  ],
  providers: [
    Authentication,
    Directory,
    CodeFlow,
    Enrolments,
    Confirmation,
    Freshness,
    GroupsService,
    HttpSessions,
    JwtCallers,
    LogoutNotices,
    People,
    PersonDetails,
    Provider,
    ProviderCheck,
    ProviderTokens,
    Refusals,
    Attempts,
    Reunion,
    RoleGroupsService,
    ScimAuthentication,
    ScimGroups,
    ScimTokens,
    ScimTelling,
    ScimUsers,
    ScimWrites,
    SessionRefresh,
    SessionTokens,
    SessionsService,
    SignIn,
    SignInCookies,
    SignInLinks,
    TokensService,
    UsersService,
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_INTERCEPTOR, useClass: RefusedCalls },
  ],
  exports: [Directory, Authentication, Freshness, ScimTokens],
})
export class IdentityModule implements NestModule {
  constructor(private readonly sessions: HttpSessions) {}

  configure(consumer: MiddlewareConsumer): void {
    useHttpSessions(consumer, this.sessions)
  }
}
