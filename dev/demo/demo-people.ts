import type { Me } from '../../src/contract/identity.ts'
import { type DevelopmentProvider, startDevelopmentProvider } from '../idp/idp.ts'
import type { DevelopmentAccount } from '../idp/idp-accounts.ts'
import { DemoApi } from './demo-api.ts'
import { DemoBrowser } from './demo-browser.ts'

export const APPROVERS = 'approvers'
export const STAFF = 'engineering'
export const ADMINS = 'admins'

const account = (name: string, ...groups: string[]): DevelopmentAccount => ({
  name,
  email: `${name.split(' ')[0]?.toLowerCase()}@example.test`,
  groups: [STAFF, ...groups],
})
const COMPANY = {
  alice: account('Alice Ames'),
  bob: account('Bob Baker', APPROVERS),
  erin: account('Erin Evans', APPROVERS),
  dana: account('Dana Drew', ADMINS),
}
export type DemoName = keyof typeof COMPANY

/** The company's identity provider: everybody who knows a name may sign in. */
export class DemoCompany {
  private constructor(
    private readonly provider: DevelopmentProvider,
    readonly brokerUrl: string,
  ) {}

  static async start(brokerUrl: string): Promise<DemoCompany> {
    hush()
    return new DemoCompany(await startDevelopmentProvider({ brokerUrl, accounts: COMPANY }), brokerUrl)
  }

  /** What the daemon is told of it. */
  get settings(): Readonly<Record<string, string>> {
    const { issuer, clientId, clientSecret } = this.provider
    return {
      LATCHKEY_OIDC_ISSUER: issuer,
      LATCHKEY_OIDC_CLIENT_ID: clientId,
      LATCHKEY_OIDC_CLIENT_SECRET: clientSecret,
      LATCHKEY_DEVELOPMENT: 'true', // or it would refuse a provider that asks for no password
    }
  }

  setGroups(name: DemoName, ...groups: string[]): void {
    this.provider.accounts.set(name, account(COMPANY[name].name, ...groups))
  }

  stop(): Promise<void> {
    return this.provider.close()
  }

  async signIn(name: DemoName): Promise<DemoPerson> {
    const person = new DemoPerson(name, this.brokerUrl)
    await person.signIn()
    return person
  }
}

/** Somebody with a browser, and no token of any kind. */
export class DemoPerson {
  private readonly browser = new DemoBrowser()
  /** as a script of the broker's own page calls it */
  readonly api: DemoApi
  /** as a page of somebody else's would make this browser call it */
  readonly foreignPage: DemoApi
  private known: Me | undefined

  constructor(
    readonly name: DemoName,
    private readonly brokerUrl: string,
  ) {
    const from = (origin: string, site: string) => () => ({
      cookie: this.browser.cookieFor(brokerUrl),
      origin,
      'sec-fetch-site': site,
    })
    this.api = new DemoApi(brokerUrl, from(brokerUrl, 'same-origin'))
    this.foreignPage = new DemoApi(brokerUrl, from('https://elsewhere.example', 'cross-site'))
  }

  /** Who the broker said this is when they last signed in. */
  get me(): Me {
    if (!this.known) throw new Error(`${this.name} has not signed in`)
    return this.known
  }

  get groups(): string[] {
    return this.me.groups.map(({ name }) => name)
  }

  /** where signing in led this browser: to the provider, with what the broker asked of it, and back */
  get visited(): readonly string[] {
    return this.browser.visited
  }

  /** To the provider and back; the second time the provider knows the browser and asks nothing. */
  async signIn(): Promise<void> {
    const page = await this.browser.get(`${this.brokerUrl}/auth/login?return=/api/me`)
    const asksWho = page.url.includes('/interaction/')
    const { status, url, text } = asksWho ? await this.browser.submit(page.url, { account: this.name }) : page
    if (status !== 200 || !url.startsWith(this.brokerUrl)) throw new Error(`${this.name} was not let in: ${status} ${text}`)
    this.known = JSON.parse(text) as Me
  }
}

/** The provider's library warns, in colour, that this is not for production. It is not. */
function hush(): void {
  for (const level of ['info', 'warn'] as const) {
    const say = console[level]
    console[level] = (...words: unknown[]) => {
      if (!String(words[0]).includes('oidc-provider ')) say(...words)
    }
  }
}
