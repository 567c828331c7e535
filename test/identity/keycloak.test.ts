import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { whyNoKeycloak } from '../../dev/idp/keycloak-fetch.ts'
import { freePort } from '../../dev/vault/free-port.ts'
import { SessionTokens } from '../../src/identity/sign-in/session-tokens.ts'
import { Secret } from '../../src/sdk/index.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { Jar, type Page } from '../support/jar.ts'
import { type Keycloak, mapper, PASSWORD, startKeycloak } from '../support/keycloak.ts'

vi.setConfig({ hookTimeout: 900_000 })

const missing = await whyNoKeycloak()
if (missing !== undefined) process.stderr.write(`SKIPPED: the tests on a real Keycloak, because ${missing}\n`)

const AUDIENCE = 'urn:latchkey:api'
const CLIENT_SECRET = 'a secret of the tests'

describe.skipIf(missing !== undefined)('on a real Keycloak', () => {
  let keycloak: Keycloak
  let broker: Broker
  let beside: Broker
  beforeAll(async () => {
    keycloak = await startKeycloak()
    const port = await freePort()
    const publicUrl = `http://127.0.0.1:${port}`
    const oidc = {
      issuer: keycloak.issuer,
      clientId: 'latchkey',
      clientSecret: new Secret(CLIENT_SECRET),
      scopes: 'openid profile email',
      groupsClaim: 'groups',
      attributes: { department: 'department', manager: 'manager' },
      audience: AUDIENCE,
      cliClientId: 'latchkey-cli',
      scimClaim: 'sub',
    }
    await makeClients(publicUrl)
    broker = await startBroker({ config: { port, publicUrl, oidc } })
    beside = await startBroker({ config: { publicUrl, oidc }, database: broker.database, key: broker.key })
    for (const group of ['approvers', 'engineering']) await keycloak.admin('POST', '/groups', { name: group })
  })
  afterAll(async () => {
    await beside?.close()
    await broker?.close()
    await keycloak?.close()
  })

  async function makeClients(url: string): Promise<void> {
    const scopes = ['basic', 'profile', 'email', 'latchkey']
    await keycloak.admin('POST', '/clients', {
      clientId: 'latchkey',
      secret: CLIENT_SECRET,
      redirectUris: [`${url}/auth/callback`],
      defaultClientScopes: scopes,
      frontchannelLogout: false,
      attributes: {
        'post.logout.redirect.uris': `${url}/`,
        'backchannel.logout.url': `${url}/auth/back-channel-logout`,
        'backchannel.logout.session.required': 'false',
      },
    })
    const audience = mapper('audience', 'oidc-audience-mapper', {
      'included.custom.audience': AUDIENCE,
      'id.token.claim': 'false',
    })
    await keycloak.admin('POST', '/clients', {
      clientId: 'latchkey-cli',
      publicClient: true,
      standardFlowEnabled: false,
      directAccessGrantsEnabled: true,
      defaultClientScopes: scopes,
      attributes: { 'oauth2.device.authorization.grant.enabled': 'true', 'access.token.header.type.rfc9068': 'true' },
      protocolMappers: [audience],
    })
    await keycloak.admin('POST', '/clients', {
      clientId: 'robot',
      secret: CLIENT_SECRET,
      serviceAccountsEnabled: true,
      standardFlowEnabled: false,
      defaultClientScopes: scopes,
      attributes: { 'access.token.header.type.rfc9068': 'true' },
      protocolMappers: [audience],
    })
  }

  /** Somebody new, who can sign in. */
  async function person(name: string, groups: string[] = [], attributes: Record<string, string[]> = {}): Promise<string> {
    await keycloak.admin('POST', '/users', {
      username: name,
      enabled: true,
      email: `${name}@example.com`,
      emailVerified: true,
      firstName: name,
      lastName: 'Roe',
      attributes,
      credentials: [{ type: 'password', value: PASSWORD, temporary: false }],
    })
    const id = await keycloak.idOf('users', name)
    for (const group of groups) await join(id, group)
    return id
  }
  const join = async (id: string, group: string) =>
    keycloak.admin('PUT', `/users/${id}/groups/${await keycloak.idOf('groups', group)}`)
  const leave = async (id: string, group: string) =>
    keycloak.admin('DELETE', `/users/${id}/groups/${await keycloak.idOf('groups', group)}`)

  async function signIn(name: string, jar = new Jar()): Promise<{ jar: Jar; page: Page }> {
    const page = await jar.get(`${broker.url}/auth/login?return=/api/me`)
    const action = /action="([^"]+)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&')
    if (action === undefined) return { jar, page }
    return { jar, page: await jar.submit(action, { username: name, password: PASSWORD }) }
  }
  const me = (jar: Jar) => jar.get(`${broker.url}/api/me`)
  const namesOf = ({ body }: Page) => body.groups.map(({ name }: { name: string }) => name)
  const details = async (id: string) => (await broker.admin.get(`/api/users/${id}`)).body
  /** About a request that is not there: everybody who may decide at all is told 404. */
  const decide = async (jar: Jar, url = broker.url) => {
    await broker.database.query(`update identities set confirmed_at = now() - interval '2 minutes'`)
    return jar.post(`${url}/api/access-requests/req_${'0'.repeat(26)}/approvals`, { decision: 'approve' })
  }
  const cliToken = (name: string) =>
    keycloak.token({ grant_type: 'password', client_id: 'latchkey-cli', username: name, password: PASSWORD, scope: 'openid' })

  it('somebody signs in with groups by their path, attributes, a manager and a verified address', async () => {
    const boss = await person('boss')
    await signIn('boss')
    await person('alice', ['engineering'], { department: ['payments'], manager: ['boss'] })
    const { page } = await signIn('alice')
    expect(page).toMatchObject({
      status: 200,
      body: { name: 'alice Roe', userName: 'alice', email: 'alice@example.com', source: 'sign_in', roles: ['member'] },
    })
    expect(namesOf(page)).toEqual(['/engineering'])
    expect(await details(page.body.id)).toMatchObject({
      attributes: { department: 'payments', manager: 'boss' },
      manager: { userName: 'boss' },
    })
    expect(boss).toBeTruthy()
  })

  it('an address that nobody verified is nobody’s', async () => {
    const id = await person('carl')
    await keycloak.admin('PUT', `/users/${id}`, { emailVerified: false })
    expect((await signIn('carl')).page.body.email).toBeNull()
  })

  it('somebody who left the group, or every group, is out of it at their next decision', async () => {
    const id = await person('dave', ['engineering', 'approvers'])
    const { jar, page } = await signIn('dave')
    expect(namesOf(page)).toEqual(['/approvers', '/engineering'])
    await leave(id, 'approvers')
    expect((await decide(jar)).status).toBe(404)
    expect(namesOf(await me(jar))).toEqual(['/engineering'])
    await leave(id, 'engineering')
    expect((await decide(jar)).status).toBe(404)
    const { body } = await me(jar)
    expect(body).toMatchObject({ groups: [], provider: { groupsUntold: null } })
  })

  it('an attribute and a manager that are taken away there are gone here', async () => {
    const id = await person('erin', [], { department: ['payments'], manager: ['alice'] })
    const { page } = await signIn('erin')
    expect((await details(page.body.id)).manager).toMatchObject({ userName: 'alice' })
    const { attributes: _, ...user } = await keycloak.admin('GET', `/users/${id}`)
    await keycloak.admin('PUT', `/users/${id}`, { ...user, attributes: {} })
    await signIn('erin')
    expect(await details(page.body.id)).toMatchObject({ attributes: {}, manager: null })
  })

  it('somebody who was renamed is the same person', async () => {
    await keycloak.admin('PUT', '/', { editUsernameAllowed: true })
    const id = await person('fred')
    const { page } = await signIn('fred')
    await keycloak.admin('PUT', `/users/${id}`, {
      username: 'frieda',
      firstName: 'Frieda',
      email: 'frieda@example.com',
      emailVerified: true,
    })
    expect((await signIn('frieda')).page.body).toMatchObject({
      id: page.body.id,
      name: 'Frieda Roe',
      userName: 'frieda',
      email: 'frieda@example.com',
    })
  })

  it('somebody who is signed out there, by an admin, is signed out here', async () => {
    const id = await person('gina')
    const sessions = [await signIn('gina'), await signIn('gina')]
    await keycloak.admin('POST', `/users/${id}/logout`)
    for (const { jar } of sessions) await expect.poll(async () => (await me(jar)).status).toBe(401)
  })

  it('somebody who signs out here leaves no session there', async () => {
    const id = await person('hans')
    const { jar } = await signIn('hans')
    expect(await keycloak.admin('GET', `/users/${id}/sessions`)).toHaveLength(1)
    const out = await jar.post(`${broker.url}/auth/logout`)
    await jar.get(out.body.url)
    await expect.poll(() => keycloak.admin('GET', `/users/${id}/sessions`)).toEqual([])
    await expect.poll(() => broker.database.query('select id from ended_sessions')).toEqual([])
  })

  it('somebody who is disabled there decides nothing, and their session ends', async () => {
    const id = await person('ivan')
    const { jar } = await signIn('ivan')
    await keycloak.admin('PUT', `/users/${id}`, { enabled: false })
    expect(await decide(jar)).toMatchObject({ status: 401 })
    expect((await me(jar)).status).toBe(401)
  })

  it('a refresh token that is good for one use is spent once by two replicas', async () => {
    await person('jane', ['approvers'])
    const { jar, page } = await signIn('jane')
    const both = new Jar()
    for (const [key, cookie] of jar.cookies) {
      const host = new URL(beside.url).host
      both.cookies.set(key.replace(/[^|]+$/, host), { ...cookie, host })
    }
    for (let round = 0; round < 3; round++) {
      const [session] = await broker.database.query<{ id: string }>('select id from http_sessions where user_id = $1', [
        page.body.id,
      ])
      const kept = broker.app.get(SessionTokens)
      await kept.replace(session!.id, (await kept.read(session!.id))!, { access_token: 'used-up' }, keycloak.issuer)
      await broker.database.query(`update identities set confirmed_at = now() - interval '2 minutes'`)
      const press = (at: Jar, url: string) =>
        at.post(`${url}/api/access-requests/req_${'0'.repeat(26)}/approvals`, { decision: 'approve' }, { origin: broker.url })
      const answers = await Promise.all([0, 1].flatMap(() => [press(jar, broker.url), press(both, beside.url)]))
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404])
    }
    expect((await me(jar)).status).toBe(200)
  })

  it('a broker whose secret was made again ends nobody’s session, and says what to do', async () => {
    await person('kim', ['approvers'])
    const { jar, page } = await signIn('kim')
    const client = await keycloak.idOf('clients', 'latchkey')
    await keycloak.admin('PUT', `/clients/${client}`, { secret: 'another' })
    const [session] = await broker.database.query<{ id: string }>('select id from http_sessions where user_id = $1', [
      page.body.id,
    ])
    const kept = broker.app.get(SessionTokens)
    await kept.replace(session!.id, (await kept.read(session!.id))!, { access_token: 'used-up' }, keycloak.issuer)
    expect(await decide(jar)).toMatchObject({
      status: 503,
      body: { message: expect.stringContaining('client'), fix: expect.stringContaining('LATCHKEY_OIDC_CLIENT_SECRET') },
    })
    expect((await me(jar)).status).toBe(200)
    await keycloak.admin('PUT', `/clients/${client}`, { secret: CLIENT_SECRET })
    expect((await decide(jar)).status).toBe(404)
  })

  it('an access token of the command line’s client is its person’s, with the groups it tells', async () => {
    const id = await person('lena', ['approvers'])
    const bearer = async () => broker.api((await cliToken('lena')).access_token).get('/api/me')
    expect(await bearer()).toMatchObject({ status: 200, body: { userName: 'lena', groups: [{ name: '/approvers' }] } })
    await leave(id, 'approvers')
    expect((await bearer()).body).toMatchObject({ groups: [], roles: ['member'] })
  })

  it('a service account is nobody, whatever its groups', async () => {
    const client = await keycloak.idOf('clients', 'robot')
    const account = await keycloak.admin('GET', `/clients/${client}/service-account-user`)
    await join(account.id, 'approvers')
    const { access_token: token } = await keycloak.token({
      grant_type: 'client_credentials',
      client_id: 'robot',
      client_secret: CLIENT_SECRET,
    })
    expect(await broker.api(token).get('/api/me')).toMatchObject({ status: 401 })
    expect(await broker.database.query(`select id from users where name like '%robot%'`)).toEqual([])
  })
})
