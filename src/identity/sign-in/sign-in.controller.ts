import { Body, Controller, Get, Header, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common'
import { ApiExcludeEndpoint, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { Request, Response } from 'express'
import type { Config } from '../../config/config.ts'
import {
  type LogoutForm,
  logoutForm,
  type SignedOut,
  type SignInOptions,
  type SignInQuery,
  signedOut,
  signInOptions,
  signInQuery,
} from '../../contract/identity.ts'
import { Public } from '../../platform/http/allowed-for.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { BrokerError } from '../../sdk/index.ts'
import { mustBeSameOrigin } from '../callers/same-origin.ts'
import { LogoutNotices } from './logout-notices.ts'
import { SignIn } from './sign-in.service.ts'
import { signInConfig } from './sign-in-config.ts'

@ApiTags('sign-in')
@Controller('auth')
@Public()
export class SignInController {
  constructor(
    private readonly signIn: SignIn,
    private readonly notices: LogoutNotices,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get('options')
  @ApiOkResponse({ standardSchema: signInOptions })
  options(): SignInOptions {
    const { issuer, cliClientId = null, audience = null, resource = null, ...asked } = signInConfig(this.config)
    const { scopes, cliScopes = scopes, apiScopes = {} } = asked
    return { issuer, cliClientId, audience, scopes: [cliScopes, ...Object.values(apiScopes)].join(' '), resource }
  }

  @Get('login')
  @Header('cache-control', 'no-store')
  @ApiExcludeEndpoint()
  async login(@Req() request: Request, @Res() response: Response, @Query({ schema: signInQuery }) query: SignInQuery) {
    signInConfig(this.config)
    await this.signIn.begin(request, response, pathOfOurs(query.return ?? '/'))
  }

  // Whatever else the provider sends along is its own business: the query is read by the flow, not by a schema.
  @Get('callback')
  @Header('cache-control', 'no-store')
  @ApiExcludeEndpoint()
  async callback(@Req() request: Request, @Res() response: Response, @Query() _query: unknown) {
    signInConfig(this.config)
    response.redirect(302, await this.signIn.complete(request, response))
  }

  @Post('logout')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOkResponse({ standardSchema: signedOut })
  async logout(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<SignedOut> {
    signInConfig(this.config)
    mustBeSameOrigin(request, this.config)
    const url = await this.signIn.end(request)
    // Not cookies: a browser would forget those of the whole registered domain, and sign people out of everything their company has there.
    response.setHeader('Clear-Site-Data', '"cache", "storage"')
    return { url }
  }

  @Post('back-channel-logout')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiExcludeEndpoint()
  async backChannelLogout(@Body({ schema: logoutForm }) form: LogoutForm): Promise<void> {
    signInConfig(this.config)
    await this.notices.take(form.logout_token)
  }
}

/** A path of this broker and nothing that a browser would take for another host. */
function pathOfOurs(path: string): string {
  const isPath = /^\/(?![/\\])[!-~]*$/.test(path) && !path.includes('\\')
  if (isPath && URL.parse(path, 'http://us.invalid')?.origin === 'http://us.invalid') return path
  throw new BrokerError('input.invalid', 'return is not a path on this broker', { field: 'return', fix: 'give it as /requests' })
}
