import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Api } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { type FreshDatabase, freshDatabase } from '../support/database.ts'
import { oidcOf, type SignInWorld, signInAs, startSignInWorld } from '../support/idp.ts'
import { Jar } from '../support/jar.ts'
import { ownToken } from '../support/own-token.ts'
import { type ScimApi, scimOf } from '../support/scim.ts'
import { furnished, inhabit, tries, type World } from '../support/world.ts'

const [binary] = await serversUnderTest()
const off = { op: 'replace', path: 'active', value: false }

let world: SignInWorld
let broker: Broker
let scim: ScimApi
beforeAll(async () => {
  world = await startSignInWorld()
  ;({ broker } = world)
  scim = await scimOf(broker)
})
afterAll(() => world?.close())

const account = (name: string, more: object = {}) =>
  world.idp.accounts.set(name, { name, email: `${name}@example.test`, groups: [], ...more })
const enter = (name: string, jar = new Jar(), at: Broker = broker) => signInAs(jar, at.url, name)
const signedIn = async (name: string, more: object = {}): Promise<{ id: string; jar: Jar }> => {
  account(name, more)
  const jar = new Jar()
  const { id } = (await enter(name, jar)).body as { id: string }
  return { id, jar }
}
const trailOf = async (subject: string, kind: string, at: Broker = broker) =>
  (await at.admin.must(at.admin.get(`/api/audit?subject=${subject}&kind=${kind}`))).items.map(
    ({ data }: { data: object }) => data,
  )
const me = (jar: Jar, at: Broker = broker) => jar.get(`${at.url}/api/me`)
const tokenFor = async (userId: string): Promise<Api> =>
  broker.api((await ownToken(broker.database, userId, ['read', 'request', 'approve'])).token)

describe('who signed in before SCIM brought them', () => {
  let vault: VaultServer
  let home: World
  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    home = await inhabit(broker, vault, await furnished(vault))
  })
  afterAll(() => vault?.stop())

  it('is the person SCIM brings, with session, token and grant, and keeps nothing when SCIM says they left', async () => {
    const { id, jar } = await signedIn('judy', { groups: ['claimed'] })
    const api = await tokenFor(id)
    const judy = { id, name: 'judy', token: '', api }
    const grantId = await home.grant(judy, {})
    const { token } = await home.open(judy, grantId)

    const brought = await scim.post('/Users', { userName: 'judy@corp.test', externalId: 'judy', displayName: 'Judy of SCIM' })
    expect(brought).toMatchObject({ status: 201, body: { id, userName: 'judy@corp.test', active: true } })
    expect((await me(jar)).body).toMatchObject({ id, name: 'Judy of SCIM', groups: [] })
    expect((await api.get('/api/me')).body).toMatchObject({ id })
    expect((await enter('judy')).body).toMatchObject({ id })
    expect((await api.get(`/api/grants/${grantId}`)).body.state).toBe('active')
    expect(await trailOf(id, 'person.adopted')).toMatchObject([
      { before: 'sign_in', externalId: 'judy', userName: 'judy@corp.test' },
    ])

    expect((await scim.patch(`/Users/${id}`, off)).status).toBe(200)
    expect((await me(jar)).status).toBe(401)
    expect((await enter('judy')).status).toBe(403)
    for (const answer of [
      await api.get('/api/me'),
      await api.post(`/api/grants/${grantId}/open`),
      await api.post('/api/access-requests', {}),
    ])
      expect(answer.status).toBe(401)
    const { admin } = broker
    const grant = async () => admin.must(admin.get(`/api/grants/${grantId}`))
    await waitFor('the grant to be over', async () => (await grant()).state === 'revoked', 60_000)
    expect((await grant()).endReason).toBe('grantee_disabled')
    expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(403)
  }, 120_000)

  it('becomes one with the record SCIM made under another name, and SCIM goes on with the id it knows', async () => {
    const { id, jar } = await signedIn('kim')
    const api = await tokenFor(id)
    const brought = await scim.person('kim@corp.test', { displayName: 'Kim of SCIM' })
    const crew = await scim.group('kims crew', [brought])
    expect(brought).not.toBe(id)
    const fixed = await scim.patch(`/Users/${brought}`, { op: 'add', path: 'externalId', value: 'kim' })
    expect(fixed).toMatchObject({ status: 200, body: { id: brought, externalId: 'kim' } })
    expect((await me(jar)).body).toMatchObject({ id, name: 'Kim of SCIM', groups: [{ id: crew }] })
    expect((await api.get('/api/me')).body).toMatchObject({ id })
    expect(await trailOf(id, 'person.merged')).toEqual([{ from: brought, state: 'active' }])

    // As SCIM knows them: to be read, found, filtered, put into groups and taken out, to report to and to be reported to.
    expect((await scim.get(`/Users/${brought}`)).body).toMatchObject({ id: brought, groups: [{ value: crew }] })
    expect((await scim.get(`/Users/${id}`)).status).toBe(404)
    expect((await scim.find('Users', `id eq "${brought}"`)).body).toMatchObject({ totalResults: 1 })
    expect((await scim.get(`/Groups/${crew}`)).body.members).toMatchObject([{ value: brought }])
    expect((await scim.find('Groups', `members.value eq "${brought}"`)).body.Resources).toMatchObject([{ id: crew }])
    const boss = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager'
    const aide = await scim.person('aide of kim')
    const managed = await scim.patch(`/Users/${aide}`, { op: 'add', path: boss, value: { value: brought } })
    expect(managed.body[boss.slice(0, -8)].manager).toMatchObject({ value: brought, displayName: 'Kim of SCIM' })
    await scim.patch(`/Groups/${crew}`, { op: 'remove', path: `members[value eq "${brought}"]` })
    expect((await me(jar)).body).toMatchObject({ groups: [] })
    await scim.patch(`/Groups/${crew}`, { op: 'add', path: 'members', value: [{ value: brought }] })
    expect((await me(jar)).body).toMatchObject({ groups: [{ id: crew }] })

    expect((await scim.delete(`/Users/${brought}`)).status).toBe(204)
    expect((await me(jar)).status).toBe(401)
    expect((await api.get('/api/me')).status).toBe(401)
    expect((await enter('kim')).status).toBe(403)
  })

  it('brings their session along where SCIM’s record is the one with a past', async () => {
    const brought = await scim.person('lea@corp.test', { displayName: 'Lea of SCIM' })
    const api = await tokenFor(brought)
    const { id, jar } = await signedIn('lea')
    expect(id).not.toBe(brought)
    expect((await scim.patch(`/Users/${brought}`, { op: 'add', path: 'externalId', value: 'lea' })).status).toBe(200)
    expect((await me(jar)).body).toMatchObject({ id: brought, name: 'Lea of SCIM' })
    expect((await api.get('/api/me')).body).toMatchObject({ id: brought })
    expect(await trailOf(brought, 'person.merged')).toEqual([{ from: id, state: 'active' }])
    await scim.patch(`/Users/${brought}`, off)
    expect([(await me(jar)).status, (await api.get('/api/me')).status, (await enter('lea')).status]).toEqual([401, 401, 403])
  })
})

describe('two who both have a past', () => {
  it('stay two, an admin hears of it, and who leaves as one leaves as the other', async () => {
    const { id, jar } = await signedIn('max')
    const api = await tokenFor(id)
    const brought = await scim.person('max@corp.test')
    const other = await tokenFor(brought)
    expect((await scim.patch(`/Users/${brought}`, { op: 'add', path: 'externalId', value: 'max' })).status).toBe(200)
    expect(await trailOf(brought, 'person.not_linked')).toMatchObject([{ reason: 'both_have_a_past', other: id }])
    expect((await enter('max')).body, 'and nothing more is written at every sign-in').toMatchObject({ id })
    expect(await trailOf(brought, 'person.not_linked')).toHaveLength(1)
    await scim.patch(`/Users/${brought}`, off)
    expect([(await me(jar)).status, (await enter('max')).status]).toEqual([401, 403])
    expect([(await api.get('/api/me')).status, (await other.get('/api/me')).status]).toEqual([401, 401])
  })

  it('become one when an admin disables the one that is to go, and it is to be enabled then', async () => {
    const { admin } = broker
    const { id } = await signedIn('mona')
    await tokenFor(id)
    const brought = await scim.person('mona@corp.test')
    await tokenFor(brought)
    await scim.patch(`/Users/${brought}`, { op: 'add', path: 'externalId', value: 'mona' })
    expect((await admin.patch(`/api/users/${brought}`, { state: 'disabled' })).status).toBe(200)
    expect(await trailOf(id, 'person.merged')).toEqual([{ from: brought, state: 'disabled' }])
    expect((await enter('mona')).status).toBe(403)
    expect((await admin.patch(`/api/users/${id}`, { state: 'active' })).status).toBe(200)
    expect((await enter('mona')).body).toMatchObject({ id })
    expect((await scim.get(`/Users/${brought}`)).body).toMatchObject({ id: brought, active: true })
  })
})

describe('a connection that cannot be', () => {
  it('is refused to SCIM where the sign-in is already another person of SCIM’s', async () => {
    const first = await scim.person('nina', { externalId: 'nina' })
    const { id } = await signedIn('nina')
    expect(id).toBe(first)
    await scim.patch(`/Users/${first}`, { op: 'replace', path: 'externalId', value: 'nina of old' })
    const second = await scim.post('/Users', { userName: 'nina-2', externalId: 'nina' })
    expect(second).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } })
    expect(await trailOf(first, 'person.not_linked')).toMatchObject([{ reason: 'provisioned_as_another' }])
    const third = await scim.person('nina-3')
    expect((await scim.patch(`/Users/${third}`, { op: 'add', path: 'externalId', value: 'nina' })).status).toBe(409)
  })

  it('is written down where two people have one address and nothing says that they are one', async () => {
    const { id } = await signedIn('otto')
    const emails = [{ value: 'Otto@example.test', primary: true }]
    const brought = await scim.person('otto@corp.test', { externalId: 'something else', emails })
    expect(await trailOf(brought, 'person.not_linked')).toMatchObject([
      { reason: 'looks_alike', other: id, fix: expect.stringContaining('LATCHKEY_OIDC_SCIM_CLAIM') },
    ])
    const early = await scim.person('pam@corp.test', { emails: [{ value: 'pam@example.test' }] })
    const { id: pam } = await signedIn('pam')
    expect(await trailOf(pam, 'person.not_linked')).toMatchObject([{ reason: 'looks_alike', other: early }])
  })
})

it('never makes two of one who signs in at the moment SCIM brings them', async () => {
  for (const round of [1, 2, 3, 4, 5]) {
    const name = `quinn-${round}`
    account(name)
    const jar = new Jar()
    const page = await jar.get(`${broker.url}/auth/login?return=/api/me`)
    const [entered, brought] = await Promise.all([
      jar.submit(page.url, { account: name }),
      scim.post('/Users', { userName: name, externalId: name }),
    ])
    expect(brought.status).toBe(201)
    expect(entered.body).toMatchObject({ id: brought.body.id })
  }
})

/** The same installation again, at the same address, with another setting or a newer version. */
const again = (first: SignInWorld, database: FreshDatabase, oidc: object = {}) =>
  startBroker({
    database,
    key: first.broker.key,
    config: {
      port: Number(new URL(first.broker.url).port),
      publicUrl: first.broker.url,
      development: true,
      oidc: { ...oidcOf(first.idp), ...oidc },
    },
  })

it('lets in only people SCIM brought, where it is told to', async () => {
  const database = await freshDatabase()
  const first = await startSignInWorld({ database })
  for (const name of ['rob', 'sue']) first.idp.accounts.set(name, { name, email: `${name}@example.test`, groups: [] })
  const jar = await first.signIn('rob')
  await first.broker.close()
  const strict = await again(first, database, { onlyScim: true })
  expect((await me(jar, strict)).status).toBe(401)
  expect((await enter('rob', new Jar(), strict)).status).toBe(403)
  expect((await enter('sue', new Jar(), strict)).status).toBe(403)
  const directory = await scimOf(strict)
  const id = await directory.person('rob', { externalId: 'rob' })
  expect((await me(jar, strict)).body).toMatchObject({ id })
  expect((await enter('rob', new Jar(), strict)).body).toMatchObject({ id })
  await strict.close()
  await first.idp.close()
  await database.drop()
})

it('makes one of those an older version left as two, at its start, and says which it could not', async () => {
  const database = await freshDatabase()
  const first = await startSignInWorld({ database })
  const idOf: Record<string, string> = {}
  const twinOf = (name: string) => `usr_${'0'.repeat(25)}${name.length}`
  const jars: Record<string, Jar> = {}
  for (const name of ['judy', 'left2', 'both-3']) {
    first.idp.accounts.set(name, { name, email: `${name}@example.test`, groups: [] })
    jars[name] = await first.signIn(name)
    idOf[name] = (await me(jars[name], first.broker)).body.id
    const isThere = name !== 'left2'
    await database.query(
      `insert into users (id, name, source, state, user_name, external_id, scim) values ($1, $2, 'scim', $3, $4, $5, $6)`,
      [
        twinOf(name),
        `${name} of SCIM`,
        isThere ? 'active' : 'disabled',
        isThere ? `${name}@corp.test` : null,
        isThere ? name : null,
        JSON.stringify({ userName: `${name}@corp.test`, externalId: name, active: true }),
      ],
    )
  }
  for (const userId of [idOf['judy'], idOf['both-3'], twinOf('both-3')]) {
    await ownToken(database, userId!, ['read'])
  }
  await first.broker.close()

  const second = await again(first, database)
  await expect.poll(() => trailOf(idOf['judy']!, 'person.merged', second)).toEqual([{ from: twinOf('judy'), state: 'active' }])
  expect((await me(jars['judy']!, second)).body).toMatchObject({ id: idOf['judy'], name: 'judy of SCIM' })
  await expect.poll(async () => (await me(jars['left2']!, second)).status).toBe(401)
  await expect
    .poll(() => trailOf(twinOf('both-3'), 'person.not_linked', second))
    .toMatchObject([{ reason: 'both_have_a_past', other: idOf['both-3'] }])
  const directory = await scimOf(second)
  expect((await directory.patch(`/Users/${twinOf('judy')}`, off)).status).toBe(200)
  expect((await me(jars['judy']!, second)).status).toBe(401)
  await second.close()

  const third = await again(first, database, { scimClaim: 'employee' })
  await expect
    .poll(() => trailOf(idOf['both-3']!, 'person.not_linked', third))
    .toMatchObject([{ reason: 'claim_unknown', other: null, fix: expect.stringContaining('sign in once') }])
  await third.close()
  await first.idp.close()
  await database.drop()
})
