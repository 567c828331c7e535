import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type AnyPlugin, type GrantAccessAction, type GrantInput, type Json, Secret, type Step } from '../../src/sdk/index.ts'
import type { Answer } from './api.ts'
import { type Broker, type BrokerOptions, startBroker } from './broker.ts'
import { grantingToy } from './granting-toy.ts'
import { ownToken } from './own-token.ts'
import { TOY_PASSWORD, type ToyClient, ToyTarget } from './toy-plugin.ts'

/** What happens inside the target's calls; a throw is the target's refusal. */
export interface ToyHooks {
  /** what the action accepts, in place of everything */
  input?: GrantAccessAction<ToyClient, GrantInput>['input']
  /** the steps it plans, made of those it would plan */
  plan?: (steps: Step[]) => Step[]
  execute?: (step: Step) => Promise<unknown>
  rollback?: (step: Step, record: Json | undefined) => Promise<unknown>
  verifyGone?: () => Promise<unknown>
  /** which system answers */
  cluster?: () => string
}

/** A broker in front of a toy: fast, and steered from within its calls. */
export interface ToyGrants {
  readonly broker: Broker
  readonly integrationId: string
  /** what the target was asked to do: `execute door 0` */
  readonly calls: string[]
  readonly hooks: ToyHooks
  /** asks for access as a member; answers the grant's id at once */
  request(seconds?: number): Promise<string>
  /** the same, once it is active */
  grant(seconds?: number): Promise<string>
  giveBack(grantId: string): Promise<void>
  extend(grantId: string, seconds: number): Promise<number>
  open(grantId: string): Promise<number>
  /** asks for a dry run as a member */
  preview(): Promise<Answer>
  until(grantId: string, state: string, withinMs?: number): Promise<void>
  close(): Promise<void>
}

/** A grant of so many doors, each with a secret that is kept for its undoing. */
export async function startToyGrants(doors = 1, options: BrokerOptions = {}): Promise<ToyGrants> {
  const target = new ToyTarget()
  target.put('room')
  const calls: string[] = []
  const hooks: ToyHooks = {}
  const broker = await startBroker({ ...options, plugins: [hooked(grantingToy(target), doors, calls, hooks)] })
  const { admin, database } = broker
  const config = { address: 'here', login: { method: 'password', password: TOY_PASSWORD } }
  const { id: integrationId } = await admin.must(
    admin.post('/api/integrations', { name: 'toys', plugin: 'toy', config, skipTest: true }),
  )
  await admin.must(admin.post(`/api/integrations/${integrationId}/sync`))
  await waitFor('the sync to complete', async () => {
    return (await admin.must(admin.get(`/api/integrations/${integrationId}/sync`))).state === 'completed'
  })
  const { items } = await admin.must(admin.get(`/api/resources?integration=${integrationId}`))
  const flow = await admin.must(
    admin.post('/api/access-flows', {
      name: 'doors',
      integrationId,
      rule: {
        requesters: { kind: 'everyone' },
        resources: [{ paths: ['**'] }],
        permissions: { 'toy-thing': ['play'] },
        maxSeconds: 86_400,
        justification: 'optional',
        approval: { kind: 'automatic' },
        extensions: { count: 20, maxSeconds: 3_600 },
      },
    }),
  )
  const alice = await admin.must(admin.post('/api/users', { name: 'alice', roles: ['member'] }))
  const api = broker.api((await ownToken(database, alice.id, ['read', 'request'])).token)

  const wish = (seconds = 3_600) => ({
    flowId: flow.id,
    resources: [{ resourceId: items[0].id, permissions: ['play'] }],
    seconds,
    justification: 'why not',
  })
  const request = async (seconds?: number) => {
    const asked = await api.must(api.post('/api/access-requests', wish(seconds)))
    return asked.grantId as string
  }
  const until = async (grantId: string, state: string, withinMs = 30_000) => {
    await waitFor(
      `${grantId} to be ${state}`,
      async () => (await database.query('select 1 from grants where id = $1 and state = $2', [grantId, state])).length > 0,
      withinMs,
    )
  }
  return {
    broker,
    integrationId,
    calls,
    hooks,
    request,
    until,
    async grant(seconds) {
      const grantId = await request(seconds)
      await until(grantId, 'active')
      return grantId
    },
    giveBack: async (grantId) => void (await api.must(api.post(`/api/grants/${grantId}/give-back`))),
    extend: async (grantId, seconds) =>
      (await api.post(`/api/grants/${grantId}/extend`, { seconds, justification: 'more' })).status,
    preview: () => api.post('/api/access-requests/dry-run', wish()),
    open: async (grantId) => (await api.post(`/api/grants/${grantId}/open`)).status,
    close: () => broker.close(),
  }
}

function hooked(toy: AnyPlugin, doors: number, calls: string[], hooks: ToyHooks): AnyPlugin {
  const action = toy.grantAccess as GrantAccessAction<ToyClient, GrantInput>
  const grantAccess: GrantAccessAction<ToyClient, GrantInput> = {
    ...action,
    get input() {
      return hooks.input ?? action.input
    },
    plan: async (context, input) => {
      const [door] = await action.plan(context, input)
      const steps = Array.from({ length: doors }, (_, n) => ({
        ...door!,
        target: `${door!.target}/${n}`,
        sealed: new Secret(`canary-of-door-${n}`),
        confersPower: n === doors - 1,
      }))
      return hooks.plan?.(steps) ?? steps
    },
    execute: async (context, step) => {
      calls.push(`execute ${step.target.split('/').at(-1)}`)
      await hooks.execute?.(step)
      return { ...(await action.execute(context, step)), record: { opened: step.target } }
    },
    rollback: async (context, step, record) => {
      calls.push(`rollback ${step.target.split('/').at(-1)}`)
      await hooks.rollback?.(step, record)
      return action.rollback(context, step, record)
    },
    verify: async () => [],
    verifyGone: async (context, steps) => {
      await hooks.verifyGone?.()
      return (await action.verifyGone?.(context, steps)) ?? []
    },
  }
  return {
    ...toy,
    identify: async () => ({ cluster: hooks.cluster?.() ?? 'toys' }),
    grantAccess: grantAccess as unknown as NonNullable<AnyPlugin['grantAccess']>,
  }
}
