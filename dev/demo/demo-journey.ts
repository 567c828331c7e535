import { setTimeout as sleep } from 'node:timers/promises'
import { requests } from '../../src/contract/endpoints/access.ts'
import { grants } from '../../src/contract/endpoints/grants.ts'
import type { GrantView } from '../../src/contract/grants.ts'
import type { DryRun } from '../../src/contract/requests.ts'
import { expectOk } from '../vault/vault-initialise.ts'
import type { VaultServer } from '../vault/vault-server.ts'
import { waitFor } from '../vault/vault-wait.ts'
import type { DemoApi } from './demo-api.ts'
import type { DemoDaemon } from './demo-daemon.ts'
import { APPROVERS } from './demo-people.ts'
import type { Screen } from './demo-screen.ts'
import { answersTo, asks, dailyToken } from './demo-vault.ts'
import { type DemoWorld, resourceNamed } from './demo-world.ts'

const WANTED = 'kv/payments/stripe'
const SECRET = 'kv/data/payments/stripe'
const ORDER = Buffer.from('order 17').toString('base64')
// What a server that is not busy needs to answer, and a clock to be read.
const BOUND_MS = 1000

export interface Lent {
  readonly grant: GrantView
  readonly opened: Opened
  /** how the server refused the token in the end; it is tried from the beginning on, whatever else is shown meanwhile */
  readonly refused: Promise<number>
}

interface Opened {
  readonly wrapping: string
  readonly token: string
  readonly accessor: string
}

/** Why there is a broker at all: what a server does about a token when its user is deleted. */
export async function problem(screen: Screen, vault: VaultServer): Promise<void> {
  screen.chapter('Why deleting the user is not enough (no broker involved)')
  const { api } = vault
  expectOk(await api('POST', 'sys/auth/staff', { type: 'userpass' }), 'enable userpass')
  expectOk(
    await api('PUT', 'sys/policies/acl/payments', { policy: `path "${SECRET}" { capabilities = ["read"] }` }),
    'write a policy',
  )
  expectOk(await api('POST', 'auth/staff/users/carol', { password: 'violet', token_policies: ['payments'] }), 'make a user')
  const { auth } = expectOk(await api('POST', 'auth/staff/login/carol', { password: 'violet' }), 'log in').body
  const before = await asks(vault, auth.client_token, 'GET', SECRET)
  screen.proof('carol, a userpass user, logs in and reads a secret', before === 200, String(before))
  const deleted = await api('DELETE', 'auth/staff/users/carol')
  screen.proof('an administrator deletes the user carol', deleted.status === 204, String(deleted.status))
  const after = await asks(vault, auth.client_token, 'GET', SECRET)
  screen.proof(`she reads it still, for ${Math.round(auth.lease_duration / 86_400)} days more`, after === 200, String(after))
  await api('DELETE', 'sys/auth/staff')
  await api('DELETE', 'sys/policies/acl/payments')
}

/** Who they are, and what they may, is the provider's word. */
export async function people(screen: Screen, world: DemoWorld): Promise<void> {
  const { admin, alice, bob, payments } = world
  screen.chapter('Alice and Bob sign in at the identity provider')
  const asked = [alice, bob].map(({ visited }) => visited.find((url) => url.includes('code_challenge=')) ?? '')
  screen.proof(
    'by OpenID Connect’s code flow, as a browser does; they have no tokens',
    asked.every((url) => ['code_challenge_method=S256', 'state=', 'nonce='].every((part) => url.includes(part))) &&
      [alice, bob].every(({ me }) => me.tokenId === null),
    'PKCE',
  )
  screen.proof(
    'bob is in the group approvers because the provider says so; alice is not',
    bob.groups.includes(APPROVERS) && !alice.groups.includes(APPROVERS),
  )
  const { approval } = payments.rule
  screen.proof(
    'the access flow names that group, and nobody by name',
    approval.kind === 'approvers' && approval.users.length === 0 && approval.groups.length === 1,
    `version ${payments.version}`,
  )
  const resources = [{ resourceId: (await resourceNamed(admin, 'kv/payments/paypal')).id, permissions: ['read'] }]
  const ask = { resources, seconds: 60, justification: 'INC-4711: and refunded once' }
  const stranger = await bob.foreignPage.refusal(requests.submit, { body: ask })
  screen.proof('a page of somebody else’s does nothing with bob’s cookie', stranger?.code === 'auth.forbidden', stranger?.code)
  const { id } = await bob.api.call(requests.submit, { body: ask })
  const refused = await alice.api.refusal(requests.decide, { params: { id }, body: { decision: 'approve' } })
  screen.proof('what bob asks for, alice cannot approve', refused?.code === 'not_found', refused?.code)
  await bob.api.call(requests.cancel, { params: { id } })
}

export async function askAndApprove(screen: Screen, vault: VaultServer, world: DemoWorld, seconds: number): Promise<string> {
  const { alice, bob, admin, company } = world
  screen.chapter('Alice asks, Bob says yes')
  const own = await asks(vault, await dailyToken(vault), 'GET', SECRET)
  screen.proof(`with her own Vault token alice cannot read ${WANTED}`, own === 403, `Vault: ${own}`)

  const ask = {
    resources: [{ resourceId: (await resourceNamed(admin, WANTED)).id, permissions: ['read'] }],
    seconds,
    justification: 'INC-4711: customers are charged twice',
  }
  const dry = await alice.api.call(requests.dryRun, { body: ask })
  screen.proof('a dry run shows what Vault would be told, and who would decide', dry.allowed && dry.approvers.length === 2)
  screen.note(
    ...dry.steps.map((step) => step.summary),
    ...policyLines(dry),
    `decides: ${dry.approvers.map(({ name }) => name).join(' or ')}`,
  )

  const request = await alice.api.call(requests.submit, { body: ask })
  screen.proof(`she asks for ${seconds} seconds, with a reason`, request.state === 'pending', request.state)
  const params = { id: request.id }
  const refused = await alice.api.refusal(requests.decide, { params, body: { decision: 'approve' } })
  screen.proof('she cannot approve it herself', refused?.code === 'access.self_approval', refused?.code)
  const yes = { decision: 'approve' as const, reason: 'on call' }
  company.setGroups('bob')
  await bob.signIn()
  const tooLate = await bob.api.refusal(requests.decide, { params, body: yes })
  screen.proof('nor can bob, taken out of approvers at the provider meanwhile', tooLate?.code === 'not_found', tooLate?.code)
  screen.note('The provider is asked again at a sign-in, as here, and when its word is a minute old.')
  company.setGroups('bob', APPROVERS)
  await bob.signIn()
  const approved = await bob.api.call(requests.decide, { params, body: yes })
  screen.proof('put back, he approves', approved.state === 'approved', approved.state)
  return approved.grantId ?? ''
}

export async function openAndRead(screen: Screen, vault: VaultServer, world: DemoWorld, grantId: string): Promise<Lent> {
  screen.chapter('Access, to exactly this')
  const grant = await world.alice.api.call(grants.get, { params: { id: grantId }, query: { waitSeconds: 30 } })
  screen.proof(
    'the grant is active, and Vault itself will end it',
    grant.guarantee === 'server' && grant.state === 'active',
    grant.state,
  )
  const opened = await unwrapped(screen, vault, world, grantId)
  const { token } = opened
  const may = async (claim: string, method: string, path: string, expected: number) => {
    const status = await asks(vault, token, method, path)
    screen.proof(claim, status === expected, `Vault: ${status}`)
  }
  await may(`alice reads ${WANTED}`, 'GET', SECRET, 200)
  await may('not its neighbour kv/payments/paypal', 'GET', 'kv/data/payments/paypal', 403)
  await may('not the names beside it', 'GET', 'kv/metadata/payments/?list=true', 403)
  await may('she cannot write it', 'POST', SECRET, 403)
  const refused = untilRefused(grant, () => asks(vault, token, 'GET', SECRET))
  refused.catch(() => {}) // told where it is awaited
  return { grant, opened, refused }
}

export async function transit(screen: Screen, vault: VaultServer, world: DemoWorld): Promise<void> {
  const { api } = world.bob
  screen.chapter('A Transit key, by a flow that needs nobody')
  const grant = await encrypting(world, 600)
  screen.proof('bob asks to encrypt with transit/orders, and may at once', grant.state === 'active', grant.state)
  const { token } = await open(vault, api, grant.id)
  const { status, body } = await vault.api('POST', 'transit/encrypt/orders', { plaintext: ORDER }, { 'x-vault-token': token })
  const { ciphertext } = body?.data ?? {}
  screen.proof('he encrypts', status === 200, String(ciphertext).slice(0, 20))
  const back = await asks(vault, token, 'POST', 'transit/decrypt/orders', { ciphertext })
  screen.proof('he cannot decrypt what he encrypted', back === 403, `Vault: ${back}`)
  await api.call(grants.giveBack, { params: { id: grant.id } })
  const over = await whenOver(api, grant.id)
  const gone = await asks(vault, token, 'POST', 'transit/encrypt/orders', { plaintext: ORDER })
  screen.proof('he gives it back early, and it is over', over.state === 'revoked' && gone === 403, `Vault: ${gone}`)
}

/** Nothing of the broker needs to be alive for a token to end. */
export async function withoutBroker(screen: Screen, vault: VaultServer, daemon: DemoDaemon, world: DemoWorld): Promise<void> {
  screen.chapter('The same with the broker dead')
  const grant = await encrypting(world, 5)
  const { token, accessor } = await open(vault, world.bob.api, grant.id)
  const encrypt = () => asks(vault, token, 'POST', 'transit/encrypt/orders', { plaintext: ORDER })
  await daemon.kill()
  const orphaned = await encrypt()
  screen.proof('bob encrypts for 5 seconds; the broker is killed meanwhile', orphaned === 200, `Vault: ${orphaned}`)
  await whenRefused(screen, grant, 'the broker is dead', untilRefused(grant, encrypt))
  await ends(screen, vault, grant, accessor)
  await daemon.restart()
  const over = await whenOver(world.bob.api, grant.id)
  screen.proof('the broker is started again and removes what is left', over.state === 'expired', over.state)
}

export async function timePasses(screen: Screen, vault: VaultServer, { grant, opened, refused }: Lent): Promise<void> {
  screen.chapter('Alice’s time passes')
  await whenRefused(screen, grant, 'alice reads it again and again', refused)
  await ends(screen, vault, grant, opened.accessor)
}

/** Asks on and on, until the server refuses. */
async function untilRefused(grant: GrantView, ask: () => Promise<number>): Promise<number> {
  const due = Date.parse(grant.expiresAt ?? '')
  let status = await ask()
  // Beyond the end too: a server that refuses early says nothing about what it does at the end.
  while (Date.now() < due || (status === 200 && Date.now() < due + 10 * BOUND_MS)) {
    await sleep(due - Date.now() > 3000 ? 500 : 20)
    status = await ask()
  }
  return status
}

async function whenRefused(screen: Screen, grant: GrantView, meanwhile: string, refused: Promise<number>): Promise<void> {
  const due = Date.parse(grant.expiresAt ?? '')
  for (;;) {
    const status = await Promise.race([refused, sleep(200)])
    if (status !== undefined) {
      screen.proof('at the end Vault refuses the same token', status === 403, `Vault: ${status}`)
      return
    }
    screen.count(`${Math.max(0, Math.ceil((due - Date.now()) / 1000))} s left; ${meanwhile}`)
  }
}

/** When access was over is judged by the server's own audit file. */
async function ends(screen: Screen, vault: VaultServer, grant: GrantView, accessor: string): Promise<void> {
  const due = Date.parse(grant.expiresAt ?? '')
  const answers = await answersTo(vault, accessor)
  const last = Math.max(...answers.filter(({ served }) => served).map(({ at }) => at))
  const first = answers.find(({ served, at }) => !served && at > last)?.at ?? Number.POSITIVE_INFINITY
  const lag = first - due
  const words = `${(Math.abs(lag) / 1000).toFixed(2)} s ${lag <= 0 ? 'before' : 'after'} its time`
  screen.proof('by its audit file, not a moment late', Number.isFinite(last) && lag <= BOUND_MS, `refused from ${words}`)
}

/** The grant once everything of it is proved gone. */
export function whenOver(api: DemoApi, grantId: string): Promise<GrantView> {
  return waitFor('the grant to be over', async () => {
    const grant = await api.call(grants.get, { params: { id: grantId } })
    return grant.endedAt !== null && grant
  })
}

async function encrypting({ admin, bob, orders }: DemoWorld, seconds: number): Promise<GrantView> {
  const resources = [{ resourceId: (await resourceNamed(admin, 'transit/orders')).id, permissions: ['encrypt'] }]
  const { grantId } = await bob.api.call(requests.submit, { body: { flowId: orders.id, resources, seconds } })
  return bob.api.call(grants.get, { params: { id: grantId ?? '' }, query: { waitSeconds: 30 } })
}

/** Collects a credential as its owner does, and shows that nobody else can after them. */
async function unwrapped(screen: Screen, vault: VaultServer, world: DemoWorld, grantId: string): Promise<Opened> {
  const opened = await open(vault, world.alice.api, grantId)
  screen.proof('opening it mints a token, response-wrapped: alice unwraps it', opened.token !== '', 'once')
  const again = await asks(vault, opened.wrapping, 'POST', 'sys/wrapping/unwrap')
  screen.proof('a second unwrapping is refused', again === 400, `Vault: ${again}`)
  return opened
}

async function open(vault: VaultServer, api: DemoApi, grantId: string): Promise<Opened> {
  const { fields } = await api.call(grants.open, { params: { id: grantId } })
  const wrapping = fields.find(({ name }) => name === 'wrapping_token')?.value ?? ''
  const { body } = await vault.api('POST', 'sys/wrapping/unwrap', {}, { 'x-vault-token': wrapping })
  return { wrapping, token: body?.auth?.client_token ?? '', accessor: body?.auth?.accessor ?? '' }
}

function policyLines({ steps }: DryRun): string[] {
  const { document } = (steps.find((step) => step.kind === 'policy')?.args ?? {}) as {
    document?: { path: Record<string, { capabilities: string[] }> }
  }
  return Object.entries(document?.path ?? {}).map(([path, { capabilities }]) => `  path "${path}" { ${capabilities.join(', ')} }`)
}
