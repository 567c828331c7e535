import { afterAll, beforeAll } from 'vitest'
import { type DevelopmentProvider, startDevelopmentProvider } from '../../dev/idp/idp.ts'
import { freePort } from '../../dev/vault/free-port.ts'
import type { Config } from '../../src/config/config.ts'
import { Secret } from '../../src/sdk/index.ts'
import { type Broker, type BrokerOptions, startBroker } from './broker.ts'
import { Jar, type Page } from './jar.ts'

export interface SignInWorld {
  readonly broker: Broker
  readonly idp: DevelopmentProvider
  /** a browser in which somebody has just signed in */
  signIn(account: string, jar?: Jar): Promise<Jar>
  close(): Promise<void>
}

/** A broker and the development provider, who know each other. */
export async function startSignInWorld(options: BrokerOptions = {}): Promise<SignInWorld> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const idp = await startDevelopmentProvider({ brokerUrl: url })
  const broker = await startBroker({
    ...options,
    config: { port, publicUrl: url, development: true, oidc: oidcOf(idp), ...options.config },
  })
  return {
    broker,
    idp,
    signIn: async (account, jar = new Jar()) => {
      const page = await signInAs(jar, url, account)
      if (page.status !== 200) throw new Error(`${account} was not let in: ${page.status} ${page.url} ${page.text}`)
      return jar
    },
    close: async () => {
      await broker.close()
      await idp.close()
    },
  }
}

export function oidcOf(idp: DevelopmentProvider): NonNullable<Config['oidc']> {
  return {
    issuer: idp.issuer,
    clientId: idp.clientId,
    clientSecret: new Secret(idp.clientSecret),
    scopes: 'openid profile email',
    groupsClaim: 'groups',
    attributes: { department: 'department', manager: 'manager' },
    audience: idp.audience,
    resource: idp.audience,
    cliClientId: idp.cliClientId,
    apiScopes: idp.apiScopes,
    scimClaim: 'sub',
  }
}

/** To the provider, as this account, and back to who the broker then says one is. */
export async function signInAs(jar: Jar, brokerUrl: string, account: string): Promise<Page> {
  const page = await jar.get(`${brokerUrl}/auth/login?return=/api/me`)
  return page.url.includes('/interaction/') ? jar.submit(page.url, { account }) : page
}

/** Such a world for the tests of a file. `into` puts it where they find it; the answer is what they do there. */
export function signInHere(into: (world: SignInWorld) => void) {
  let world: SignInWorld
  let count = 0
  beforeAll(async () => {
    world = await startSignInWorld()
    into(world)
  })
  afterAll(() => world?.close())
  return {
    /** Somebody new at the provider, for a story of their own. */
    newcomer(groups: string[], more: object = {}): string {
      const account = `person-${++count}`
      world.idp.accounts.set(account, { name: `Person ${count}`, email: `${account}@example.test`, groups, ...more })
      return account
    },
    me: (jar: Jar) => jar.get(`${world.broker.url}/api/me`),
    query: (statement: string, values?: unknown[]) => world.broker.database.query(statement, values),
  }
}
