import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { loginToken } from '../../src/cli/device-login.ts'
import { run } from '../../src/cli/main.ts'
import { ROLES } from '../../src/contract/identity.ts'
import type { Api } from '../support/api.ts'
import { confirmDevice } from '../support/device.ts'
import { type SignInWorld, startSignInWorld } from '../support/idp.ts'
import type { Jar } from '../support/jar.ts'
import { type Makers, makersOf } from '../support/matrix-makers.ts'
import { furnishToys, type MatrixWorld, peopleOf, type Somebody, stage, toys } from '../support/matrix-world.ts'
import { puppetToken } from '../support/puppet.ts'
import { ROADS } from '../support/self-approval-roads.ts'

let signIns: SignInWorld
let world: MatrixWorld
let make: Makers
/** has every role and every scope, and still approves nothing of their own */
let self: Somebody
let other: Somebody

beforeAll(async () => {
  const plugins = toys()
  signIns = await startSignInWorld({ plugins })
  world = await furnishToys(signIns.broker, plugins)
  make = makersOf(world)
  self = await world.person('self', ROLES)
  other = await world.person('other')
})
afterAll(async () => {
  await world?.cautious.close()
  await signIns?.close()
})

const press = (api: Api, id: string, decision = 'approve') =>
  api.post(`/api/access-requests/${id}/approvals`, { decision, reason: 'mine' })
const group = async (...members: Somebody[]) => {
  const id = await make.group()
  for (const who of members) await world.admin.must(world.admin.put(`/api/groups/${id}/members/${who.id}`))
  return id
}
const named = () => ({ kind: 'approvers', ...peopleOf(self, other) })
const tokenFor = async (api: Api, who: { readonly id: string } | undefined) => world.broker.api(await puppetToken(api, who))

/** Neither their yes nor their no counts or is written down, and the request waits as before. */
async function expectRefused(id: string, ...apis: readonly Api[]): Promise<void> {
  for (const api of apis) {
    for (const decision of ['approve', 'reject']) {
      const { status, body } = await press(api, id, decision)
      expect(['403 access.self_approval', '404 not_found']).toContain(`${status} ${body.code}`)
    }
  }
  await expectUndecided(id)
}

async function expectUndecided(id: string): Promise<void> {
  const { items } = await world.admin.must(world.admin.get(`/api/audit?subject=${id}&limit=200`))
  const kinds: string[] = items.map((item: { kind: string; actor: string }) => item.kind)
  expect(kinds.filter((kind) => /^approval|^request\.(approved|rejected)/.test(kind))).toEqual([])
  expect((await world.admin.get(`/api/access-requests/${id}`)).body).toMatchObject({ state: 'pending', approvals: [] })
}

describe('nobody approves their own request', () => {
  it.each(Object.keys(ROADS))('%s', async (road) => {
    const id = await ROADS[road]!({ world, make, self, other, group, named })
    await expectRefused(id, self.api, await tokenFor(self.api, undefined))
    expect((await press(other.api, id, 'reject')).body.state, 'somebody else decides').toBe('rejected')
  })

  it('in a later stage either', async () => {
    const third = await world.person('third')
    const flow = await world.flow({ kind: 'stages', stages: [stage(other), stage(self, third)] })
    const { id } = await make.request(self, flow)
    expect((await make.decide(other, id, 'approve')).stage).toBe(1)
    for (const decision of ['approve', 'reject']) {
      expect((await press(self.api, id, decision)).body.code).toBe('access.self_approval')
    }
    expect((await press(third.api, id)).body).toMatchObject({ state: 'approved', approvals: [{}, {}] })
  })

  it('with a token that they made for an approver, or that was made with one', async () => {
    const flow = await world.flow({ kind: 'approvers', ...peopleOf(other) })
    const { id } = await make.request(self, flow)
    const first = await tokenFor(self.api, other)
    const second = await tokenFor(first, undefined)
    const colleague = await world.person('colleague', ['admin'])
    const theirs = await tokenFor(self.api, colleague)
    const third = await tokenFor(theirs, other)
    await expectRefused(id, first, second, await tokenFor(second, undefined), third, await tokenFor(third, undefined))
    const { body } = await self.api.get(`/api/access-requests/${id}`)
    expect(body.approvers, 'the approver is one still').toMatchObject([{ id: other.id }])
    expect((await press(other.api, id)).body.state).toBe('approved')
  })

  it('that was asked with a token they made for somebody else', async () => {
    const puppet = await tokenFor(self.api, other)
    for (const api of [puppet, await tokenFor(puppet, undefined)]) {
      const third = await world.person('third')
      const flow = await world.flow({ kind: 'approvers', ...peopleOf(self, third) })
      const { id, approvers } = await api.must(api.post('/api/access-requests', { ...make.bodies.ask(), flowId: flow }))
      expect(approvers).toMatchObject([{ id: third.id }])
      await expectRefused(id, self.api, await tokenFor(self.api, undefined))
      expect((await press(third.api, id)).body.state).toBe('approved')
    }
    const ask = { ...make.bodies.ask(), flowId: await world.flow({ kind: 'approvers', ...peopleOf(self) }) }
    expect((await puppet.post('/api/access-requests', ask)).body.code).toBe('access.no_approver')
  })

  it('is told so when they are the only one who could', async () => {
    const both = peopleOf(self, other)
    for (const approval of [
      { kind: 'approvers', ...peopleOf(self) },
      { kind: 'approvers', users: [], groups: [await group(self)] },
      { kind: 'approvers', ...both, needed: 2 },
      { kind: 'stages', stages: [stage(other), stage(self)] },
    ]) {
      const ask = { ...make.bodies.ask(), flowId: await world.flow(approval) }
      expect((await self.api.post('/api/access-requests', ask)).body).toMatchObject({ status: 422, code: 'access.no_approver' })
    }
  })
})

describe('nobody looks after themselves', () => {
  it('closes the review of their own emergency', async () => {
    const flow = await world.flow({ kind: 'emergency', alert: peopleOf(other), reviewers: peopleOf(self, other) })
    const { id } = await make.request(self, flow, { emergency: true })
    const [review] = await world.query<{ id: string }>('select id from emergency_reviews where request_id = $1', [id])
    const puppet = await tokenFor(self.api, other)
    for (const api of [self.api, await tokenFor(self.api, undefined), puppet, await tokenFor(puppet, undefined)]) {
      expect((await api.post(`/api/emergency-reviews/${review!.id}/close`, { note: 'fine' })).body.code).toBe(
        'access.self_approval',
      )
    }
    const asPuppet = await puppet.must(
      puppet.post('/api/access-requests', { ...make.bodies.ask(), flowId: flow, emergency: true }),
    )
    const [theirs] = await world.query<{ id: string }>('select id from emergency_reviews where request_id = $1', [asPuppet.id])
    expect((await self.api.post(`/api/emergency-reviews/${theirs!.id}/close`, { note: 'fine' })).body.code).toBe(
      'access.self_approval',
    )
    const { items } = await world.admin.must(world.admin.get(`/api/audit?subject=${id}&kind=review.closed`))
    expect(items).toEqual([])
    expect((await other.api.post(`/api/emergency-reviews/${review!.id}/close`, { note: 'seen' })).status).toBe(200)
  })

  it('accepts their own proposal', async () => {
    const colleague = await world.person('colleague', ['admin'])
    const flow = await make.flow()
    const cautiousSelf = world.cautious.api(self.token)
    const { id } = await cautiousSelf.must(cautiousSelf.patch(`/api/access-flows/${flow}`, { active: true }))
    const puppet = await tokenFor(self.api, colleague)
    for (const api of [self.api, await tokenFor(self.api, undefined), puppet, await tokenFor(puppet, undefined)]) {
      expect((await api.post(`/api/proposals/${id}/accept`)).body.code).toBe('access.self_approval')
    }
    const cautiousPuppet = await tokenFor(self.api, colleague)
    const { token } = await cautiousPuppet.must(
      cautiousPuppet.post('/api/tokens', { name: 'hand', scopes: ['manage'], expiresInSeconds: 60 }),
    )
    const inTheirName = world.cautious.api(token)
    const proposed = await inTheirName.must(inTheirName.patch(`/api/access-flows/${flow}`, { active: true }))
    expect((await self.api.post(`/api/proposals/${proposed.id}/accept`)).body.code).toBe('access.self_approval')
    expect((await world.admin.get(`/api/access-flows/${flow}`)).body.active).toBe(false)
    expect((await colleague.api.post(`/api/proposals/${id}/accept`)).body.state).toBe('performed')
  })
})

describe('somebody who signed in is one person', () => {
  let folder: string
  let env: NodeJS.ProcessEnv
  let first: Jar
  let second: Jar
  let flow: string
  const url = (where: string) => `${signIns.broker.url}${where}`

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'lk-self-'))
    env = { XDG_CONFIG_HOME: folder, LATCHKEY_CLI_URL: signIns.broker.url }
    ;[first, second] = [await signIns.signIn('bob'), await signIns.signIn('bob')]
    const me = (await first.get(url('/api/me'))).body
    const ids = me.groups.map((each: { id: string }) => each.id)
    flow = await world.flow({ kind: 'approvers', users: [me.id, other.id], groups: ids, needed: 1 })
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  async function latchkey(words: readonly string[], more: NodeJS.ProcessEnv = {}) {
    const told: string[] = []
    const code = run(words, { env: { ...env, ...more }, print: () => {}, tell: (line) => told.push(line) })
    return { code, told }
  }

  const ask = async () =>
    (await first.post(url('/api/access-requests'), { ...make.bodies.ask(), flowId: flow })).body.id as string
  const decide = (jar: Jar, id: string) => jar.post(url(`/api/access-requests/${id}/approvals`), { decision: 'approve' })

  it('in two browsers', async () => {
    const id = await ask()
    for (const jar of [first, second]) expect((await decide(jar, id)).body.code).toBe('access.self_approval')
    await expectUndecided(id)
  })

  it('with tokens of their own', async () => {
    const id = await ask()
    const minted = await second.post(url('/api/tokens'), { name: 'own', scopes: ['read', 'approve'], expiresInSeconds: 600 })
    const own = signIns.broker.api(minted.body.token)
    await expectRefused(id, own)
    const { code, told } = await latchkey(['approve', id], { LATCHKEY_CLI_TOKEN: minted.body.token })
    expect(await code).not.toBe(0)
    expect(told.join()).toContain('You cannot decide your own request')
    await expectUndecided(id)
  })

  it('with the provider’s own token, and at the command line', async () => {
    const id = await ask()
    const login = await latchkey(['login'])
    await waitFor('the address', async () => login.told.length > 0)
    await confirmDevice(/http:\S+/.exec(login.told[0]!)![0], 'bob')
    expect(await login.code).toBe(0)
    await expectRefused(id, signIns.broker.api((await loginToken(env, signIns.broker.url))!.reveal()))
    for (const words of [
      ['approve', id],
      ['reject', id, '--reason', 'mine'],
    ]) {
      const { code, told } = await latchkey(words)
      expect(await code).not.toBe(0)
      expect(told.join()).toContain('You cannot decide your own request')
    }
    await expectUndecided(id)
    expect((await press(other.api, id)).body.state).toBe('approved')
  })
})
