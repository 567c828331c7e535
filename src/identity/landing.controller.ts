import { Controller, Get, Header, Redirect, Req } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import type { Request } from 'express'
import { Public } from '../platform/http/allowed-for.ts'
import { isBrokerError } from '../sdk/index.ts'
import { Authentication } from './guard/authentication.ts'
import { UsersService } from './people/users.service.ts'

/** Where a browser is after signing in or out when the daemon has no portal: it says so, and who is signed in. */
@ApiExcludeController()
@Controller()
@Public()
export class LandingController {
  constructor(
    private readonly authentication: Authentication,
    private readonly users: UsersService,
  ) {}

  @Get()
  @Redirect('/auth/signed-in', 302)
  home(): void {}

  @Get('auth/signed-in')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('cache-control', 'no-store')
  async page(@Req() request: Request): Promise<string> {
    const who = await this.whoIs(request)
    if (who === undefined) {
      return htmlOf(
        'Nobody is signed in',
        `<p>Nobody is signed in to Latchkey in this browser. <a href="/auth/login">Sign in</a></p>${WITHOUT_PORTAL}`,
      )
    }
    return htmlOf(
      'Signed in',
      `<p>You are signed in to Latchkey as <strong>${who.map(escaped).join('</strong>, ')}.</p>${WITHOUT_PORTAL}`,
    )
  }

  private async whoIs(request: Request): Promise<string[] | undefined> {
    try {
      const { caller } = await this.authentication.recognise(request)
      const { name, userName, email } = await this.users.get(caller.id)
      return [name, [userName, email].filter((one) => one !== null).join(', ') || 'without an address']
    } catch (error) {
      if (isBrokerError(error, 'auth.required')) return undefined
      throw error
    }
  }
}

const WITHOUT_PORTAL =
  '<p>This daemon was started without its portal; <code>npm run build</code> makes it. The command line: <code>latchkey login</code></p>'

function htmlOf(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body>${body}</body></html>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
}
