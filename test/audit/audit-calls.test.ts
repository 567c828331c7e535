import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { loginToken } from '../../src/cli/device-login.ts'
import { run } from '../../src/cli/main.ts'
import type { AuditEntry } from '../../src/contract/audit.ts'
import { confirmDevice } from '../support/device.ts'
import { type SignInWorld, startSignInWorld } from '../support/idp.ts'
import { Jar } from '../support/jar.ts'
import { ownToken } from '../support/own-token.ts'
import { ScimApi } from '../support/scim.ts'

let world: SignInWorld
let folder: string

beforeAll(async () => {
  world = await startSignInWorld({ config: { trustProxy: ['127.0.0.1'] } })
  folder = await mkdtemp(path.join(tmpdir(), 'lk-calls-'))
})
afterAll(async () => {
  await world?.close()
  if (folder) await rm(folder, { recursive: true })
})

const unique = (word: string) => `${word} ${Math.random().toString(36).slice(2)}`
const trail = async (query: string): Promise<AuditEntry[]> => {
  const { admin } = world.broker
  return (await admin.must(admin.get(`/api/audit?limit=200&${query}`))).items
}

it('says of everything done with a token which one it was, who made it, and where the call came from', async () => {
  const { admin, api, database } = world.broker
  const adminToken = (await admin.must(admin.get('/api/me'))).tokenId
  const eve = await admin.must(admin.post('/api/users', { name: unique('eve'), roles: ['admin'] }))
  expect(await trail(`subject=${eve.id}`)).toMatchObject([{ doneWith: adminToken, makers: null, address: '127.0.0.1' }])

  const own = await ownToken(database, eve.id, ['read', 'manage'])
  const bo = await admin.must(admin.post('/api/users', { name: unique('bo'), roles: ['admin'] }))
  const wish = { name: 'puppet', userId: bo.id, scopes: ['read'], expiresInSeconds: 600 }
  const puppet = await admin.must(api(own.token).post('/api/tokens', wish, { headers: { 'x-forwarded-for': '192.0.2.7' } }))
  expect(await trail(`subject=${puppet.id}`)).toMatchObject([
    { kind: 'token.created', actor: eve.id, doneWith: own.id, makers: [eve.id], address: '192.0.2.7' },
  ])

  await api(puppet.token).delete(`/api/tokens/${puppet.id}`)
  const done = await trail(`doneWith=${puppet.id}`)
  expect(done.length).toBeGreaterThan(0)
  for (const event of done)
    expect(event).toMatchObject({ actor: bo.id, doneWith: puppet.id, makers: [eve.id], address: '127.0.0.1' })
})

it('says of everything done in a browser which session it was', async () => {
  const jar = await world.signIn('bob')
  const me = (await jar.get(`${world.broker.url}/api/me`)).body
  const [begun] = await trail(`actor=${me.id}&kind=session.begun`)
  expect(begun).toMatchObject({ doneWith: null, address: '127.0.0.1' })
  const minted = await jar.post(`${world.broker.url}/api/tokens`, { name: 'mine', scopes: ['read'], expiresInSeconds: 60 })
  expect(await trail(`subject=${minted.body.id}`)).toMatchObject([
    { doneWith: begun!.subject, makers: null, address: '127.0.0.1' },
  ])
})

it('tells apart what was done with access tokens of the provider, and keeps nothing of them', async () => {
  const env = { XDG_CONFIG_HOME: folder, LATCHKEY_CLI_URL: world.broker.url }
  const told: string[] = []
  const login = run(['login'], { env, print: () => {}, tell: (line) => told.push(line) })
  await waitFor('the address', async () => told.length > 0)
  await confirmDevice(/http:\S+/.exec(told[0]!)![0], 'bob')
  expect(await login).toBe(0)
  const token = (await loginToken(env, world.broker.url))!.reveal()
  const minted = await world.broker.api(token).post('/api/tokens', { name: 'mine', scopes: ['read'], expiresInSeconds: 60 })
  const [made] = await trail(`subject=${minted.body.id}`)
  expect(made!.doneWith).toMatch(/^jwt_[0-9a-f]{26}$/)
  expect(token).not.toContain(made!.doneWith!.slice(4))
})

it('says of everything SCIM did which token it was and who made that, across a rotation', async () => {
  const { admin, api } = world.broker
  const { id: adminId } = (await admin.get('/api/me')).body
  const first = await admin.must(admin.post('/api/scim-tokens', { name: unique('scim'), expiresInSeconds: 600 }))
  const person = await new ScimApi(api(first.token)).person(unique('kim'))
  expect(await trail(`subject=${person}&kind=user.created`)).toMatchObject([
    { doneWith: first.id, makers: [adminId], address: '127.0.0.1' },
  ])
  const other = await admin.must(admin.post('/api/users', { name: unique('other'), roles: ['admin'] }))
  const theirs = api((await ownToken(world.broker.database, other.id, ['manage'])).token)
  const second = await theirs.must(theirs.post(`/api/scim-tokens/${first.id}/rotate`, { expiresInSeconds: 600 }))
  const later = await new ScimApi(api(second.token)).person(unique('lee'))
  const [made] = await trail(`subject=${later}&kind=user.created`)
  expect(made).toMatchObject({ doneWith: second.id })
  expect(new Set(made!.makers)).toEqual(new Set([adminId, other.id]))
})

it('says who was refused from where', async () => {
  await new Jar().get(`${world.broker.url}/auth/callback?code=made-up&state=made-up`)
  expect((await trail('kind=sign_in.refused'))[0]).toMatchObject({ doneWith: null, address: '127.0.0.1' })
})

it('proves it in an export, and notices when it was changed there', async () => {
  const { admin } = world.broker
  const { text } = await admin.get('/api/audit/export')
  const file = path.join(folder, 'export.jsonl')
  const verify = async () => run(['audit', 'verify', '--file', file], { env: {}, print: () => {}, tell: () => {} })
  await writeFile(file, text)
  expect(await verify()).toBe(0)
  await writeFile(file, text.replace('"address":"192.0.2.7"', '"address":"192.0.2.8"'))
  expect(await verify()).not.toBe(0)
  await writeFile(file, text.replace(/"doneWith":"tok_\w+"/, '"doneWith":null'))
  expect(await verify()).not.toBe(0)
  const csv = (await admin.get('/api/audit/export?format=csv')).text
  expect(csv).toContain('"192.0.2.7"')
  expect((await admin.post('/api/audit/verify')).body.ok).toBe(true)
})

it('says nothing of the kind about what no call caused', async () => {
  const events = await trail('actor=broker')
  const [started] = events.filter((event) => event.kind === 'user.created' && event.doneWith === null && event.address === null)
  expect(started).toBeDefined()
})
