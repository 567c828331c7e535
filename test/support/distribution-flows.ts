import { X509Certificate } from 'node:crypto'
import { expect } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { makeChain } from './certificates.ts'
import { type DistributionWorld, type Habitable, worldAround } from './distribution-world.ts'
import { type FaultProxy, pass, startFaultProxy } from './fault-proxy.ts'
import { spoiled } from './faults.ts'

/** A broker that reaches three targets through one proxy. The third has nothing before a certificate comes. */
export interface ThreeTargets<Home extends Habitable = Habitable> {
  readonly world: DistributionWorld<Home>
  readonly proxy: FaultProxy
  readonly targets: readonly string[]
  close(): Promise<void>
}

export async function threeTargets<Home extends Habitable>(
  start: () => Promise<Home>,
  location: Record<string, unknown> = {},
): Promise<ThreeTargets<Home>> {
  const world = await worldAround(undefined, start)
  const proxy = await startFaultProxy(world.server.address)
  const targets: string[] = []
  for (const name of NAMES)
    targets.push(await world.target(name, { address: proxy.url, path: `certs/${name}/{{ .cn }}`, ...location }))
  return {
    world,
    proxy,
    targets,
    close: async () => {
      await proxy.close()
      await world.stop()
    },
  }
}

interface Before {
  readonly cn: string
  readonly certificate: string
  readonly fingerprint: string
  readonly distribution?: string
}

/** A way that a distribution goes, in three parts: what must stand before, what is struck, and what must be true afterwards. */
export interface DistributionFlow {
  /** every call of the second target, in the order in which they come when nothing is in their way */
  readonly calls: readonly string[]
  prepare(stage: ThreeTargets): Promise<Before>
  /** may fail: the daemon may die under it */
  begin(stage: ThreeTargets, before: Before): Promise<unknown>
  settle(stage: ThreeTargets, before: Before): Promise<unknown>
}

const NAMES = ['a', 'b', 'c'] as const
const WITH_VALUE = ['a', 'b']
const FORMER = { certificate: 'the old one', note: 'by hand' }
const READ = 'GET secret/data/certs/b/:cn'
const WRITE = 'POST secret/data/certs/b/:cn'
let number = 0

/** The sessions of what came before have ended. */
const quiet = ({ proxy }: ThreeTargets) => waitFor('the proxy to be quiet', async () => proxy.quietMs() > 200)

async function fresh(stage: ThreeTargets): Promise<Before> {
  const { world } = stage
  await quiet(stage)
  number += 1
  const cn = `crash${number}-${process.pid}.example.com`
  const made = makeChain({ cn, domains: [cn] })
  for (const name of WITH_VALUE) await world.server.api('POST', `secret/data/certs/${name}/${cn}`, { data: FORMER })
  const fingerprint = new X509Certificate(made.leaf.pem).fingerprint256
  return { cn, certificate: await world.certificate(made), fingerprint }
}

async function ordered({ world }: ThreeTargets, certificate: string): Promise<string> {
  const [found] = await world.broker.database.query<{ id: string }>('select id from distributions where certificate_id = $1', [
    certificate,
  ])
  expect(found, 'the order outlives the daemon').toBeDefined()
  return found!.id
}

const secretAt = async ({ world }: ThreeTargets, name: string, cn: string) =>
  (await world.server.api('GET', `secret/data/certs/${name}/${cn}`)).body?.data

async function expectThere(stage: ThreeTargets, { cn, fingerprint }: Before): Promise<void> {
  for (const name of NAMES) {
    const now = await secretAt(stage, name, cn)
    expect(now?.metadata.version, `one new version at ${name}, however often it was tried`).toBe(
      WITH_VALUE.includes(name) ? 2 : 1,
    )
    expect(new X509Certificate(now.data.certificate).fingerprint256).toBe(fingerprint)
  }
}

async function expectBack(stage: ThreeTargets, { cn }: Before): Promise<void> {
  for (const name of NAMES) {
    const now = await secretAt(stage, name, cn)
    const expected = WITH_VALUE.includes(name)
      ? { data: FORMER, metadata: { version: 3 } }
      : { data: null, metadata: { version: 1, destroyed: false } }
    expect(now, `what was at ${name} before`).toMatchObject(expected)
  }
}

/** Each target is what it is said to be, however that came about. */
export async function expectTruth(stage: ThreeTargets, before: Before): Promise<void> {
  const id = before.distribution ?? (await ordered(stage, before.certificate))
  const { state, targets } = await stage.world.settled(id)
  for (const part of targets) {
    const now = await secretAt(stage, part.name, before.cn)
    const former = WITH_VALUE.includes(part.name) ? FORMER : null
    const hasIt = ['verified', 'refused'].includes(part.state)
    expect(part.state, `${part.name}: ${part.problem?.message}`).toMatch(/^(verified|refused|failed|rolled_back|stuck)$/)
    // A person must look, or has something to take back: nothing is said of what is there.
    if (part.state === 'stuck' || (part.state === 'failed' && part.undoable)) continue
    if (hasIt) expect(new X509Certificate(now.data.certificate).fingerprint256).toBe(before.fingerprint)
    else expect(now?.data ?? null, `${part.name} is ${part.state}`).toEqual(former)
    if (part.name !== 'b') expect(part.state, 'the others have nothing to do with it').toMatch(/^(verified|rolled_back)$/)
  }
  expect(state).not.toBe('running')
}

async function rollBack({ world }: ThreeTargets, id: string): Promise<void> {
  await world.admin.must(world.admin.post(`/api/distributions/${id}/rollback`, { reason: 'a case' }))
}

const BACK: Pick<DistributionFlow, 'calls' | 'begin' | 'settle'> = {
  // What is there, and what was; what it was written over. Once more both to prove it.
  calls: [READ, READ, WRITE, READ, READ, READ],
  async begin(stage, { distribution }) {
    await rollBack(stage, distribution!)
    await stage.world.settled(distribution!)
  },
  async settle(stage, before) {
    expect(await stage.world.settled(before.distribution!)).toMatchObject({ state: 'rolled_back', counts: { rolled_back: 3 } })
    await expectBack(stage, before)
  },
}

export const DISTRIBUTION_FLOWS: Readonly<Record<string, DistributionFlow>> = {
  distribute: {
    // Read for the plan, with how many versions are kept, again right before it is written; then what it was written over, and what is there.
    calls: [READ, 'GET secret/metadata/certs/b/:cn', READ, WRITE, READ, READ],
    prepare: fresh,
    begin: async (stage, { certificate }) => stage.world.settled(await stage.world.distribute(certificate, stage.targets)),
    async settle(stage, before) {
      const id = await ordered(stage, before.certificate)
      expect(await stage.world.settled(id)).toMatchObject({ state: 'done', counts: { verified: 3 } })
      await expectThere(stage, before)
    },
  },
  'roll back': {
    ...BACK,
    async prepare(stage) {
      const before = await fresh(stage)
      const distribution = await stage.world.distribute(before.certificate, stage.targets)
      await stage.world.settled(distribution)
      await quiet(stage)
      return { ...before, distribution }
    },
  },
  'roll back what failed': {
    ...BACK,
    async prepare(stage) {
      const before = await fresh(stage)
      stage.proxy.always((call) => (call.method === 'POST' && call.name === WRITE ? spoiled(call) : pass(call)))
      const distribution = await stage.world.distribute(before.certificate, stage.targets, { undoIfUnverified: false })
      const { counts } = await stage.world.settled(distribution)
      expect(counts).toEqual({ verified: 2, failed: 1 })
      stage.proxy.always()
      await quiet(stage)
      return { ...before, distribution }
    },
  },
}
