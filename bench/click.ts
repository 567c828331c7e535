import { randomBytes } from 'node:crypto'
import { hash } from '@node-rs/bcrypt'
import { vaultBinary } from '../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../dev/vault/vault-server.ts'
import { waitFor } from '../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from './broker.ts'
import { inWords, machine, median, milliseconds, printTable, RawSamples, ratio, spread } from './figures.ts'
import { type Arrivals, openLoop } from './open-loop.ts'
import { atOnce, bench, numbered, numbersFrom, say } from './run.ts'
import { connect, discovered, flow, nothingLeft, objectsMatch, person } from './setting.ts'
import { VaultLoop } from './vault-loop.ts'

const CONTESTANTS = ['broker', 'hash', 'broker, slower', 'password'] as const
type Contestant = (typeof CONTESTANTS)[number]

/** B3: from the click on "request" to the credential in hand, at a constant rate of arrivals. */
await bench(async (keep) => {
  const size = numbersFrom({ rate: 20, slow: 5, seconds: 10, pairs: 5 })
  const binary = await vaultBinary()
  const vault = keep(await startVaultServer({ binary }), (server) => server.stop())
  const broker = keep(await startBroker(), (daemon) => daemon.stop())
  const about = machine({ [binary.product]: `${binary.version} (raft, audit file)`, ...broker.versions })
  console.log(`B3 click to credential: ${size.pairs} × ${size.seconds} s each, the first 2 s not counted\n${about}`)
  const raw = new RawSamples('click', { about, size })
  const integration = await connect(broker, vault)
  const loop = keep(new VaultLoop(vault), (it) => it.caller.close())
  await loop.prepare()
  await loop.fill()
  await discovered(broker, integration)
  const journey = await journeys(broker, integration)

  const fast: Arrivals = { rate: size.rate, seconds: size.seconds, warmUpSeconds: 2 }
  const slow: Arrivals = { ...fast, rate: size.slow }
  const cpu: number[] = []
  const took: Record<Contestant, number[][]> = { broker: [], hash: [], 'broker, slower': [], password: [] }
  const contests: Record<Contestant, (pair: number) => Promise<number[]>> = {
    broker: () => openLoop(fast, journey),
    hash: (pair) => openLoop(fast, (index) => script(loop, `bench-h-${pair}-${index}`, 'hash')),
    'broker, slower': () => openLoop(slow, journey),
    password: (pair) => openLoop(slow, (index) => script(loop, `bench-p-${pair}-${index}`, 'password')),
  }
  for (const pair of numbered(size.pairs)) {
    for (const contestant of CONTESTANTS) {
      say(`pair ${pair + 1} of ${size.pairs}: ${contestant}`)
      const before = broker.cpuTime() ?? Number.NaN
      took[contestant].push(await contests[contestant](pair))
      if (contestant === 'broker') cpu.push(((broker.cpuTime() ?? Number.NaN) - before) / (size.rate * size.seconds))
      if (contestant.startsWith('broker')) await checkAndEnd(broker, vault)
    }
  }
  for (const [series, samples] of Object.entries(took)) raw.add(series, samples)
  report(took, size)
  console.log(`\nprocessor time of the daemon for one click, its pauses for others not counted: ${milliseconds(median(cpu))}`)
  raw.write()
})

/** Requested by one person, approved by another, waited for, opened: what two people and their browsers would send. */
async function journeys(broker: Broker, integration: string): Promise<() => Promise<void>> {
  const alice = await person(broker, 'alice')
  const bob = await person(broker, 'bob')
  const approval = { kind: 'approvers', users: [bob.id], groups: [], needed: 1 }
  const flowId = await flow(broker, integration, { approval })
  const { items } = await broker.admin.must('GET', '/api/resources?q=kv/app/s-')
  const resources = [{ resourceId: items[0].id, permissions: ['read'] }]
  return async () => {
    const { id } = await alice.api.must('POST', '/api/access-requests', { flowId, resources, seconds: 3600 })
    const { grantId } = await bob.api.must('POST', `/api/access-requests/${id}/approvals`, { decision: 'approve' })
    const { state } = await alice.api.must('GET', `/api/grants/${grantId}?waitSeconds=30`)
    if (state !== 'active') throw new Error(`void: ${grantId} is ${state}`)
    const { fields } = await alice.api.must('POST', `/api/grants/${grantId}/open`)
    if (fields.length === 0) throw new Error('void: no credential')
  }
}

/** Only the part that has to do with the server, by somebody who keeps no record of it. */
async function script(loop: VaultLoop, name: string, secret: 'hash' | 'password'): Promise<void> {
  const password = randomBytes(32).toString('base64url')
  await loop.writePolicy(name)
  await loop.writeUser(name, secret === 'password' ? { password } : { password_hash: await hash(password, 5) })
  await loop.logInWrapped(name, password)
}

async function checkAndEnd(broker: Broker, vault: VaultServer): Promise<void> {
  await objectsMatch(broker, vault)
  const { rows } = await broker.database.query<{ id: string }>(`select id from grants where state = 'active'`)
  await atOnce(rows, 8, ({ id }) => broker.admin.must('POST', `/api/grants/${id}/revoke`, { reason: 'measured' }))
  await waitFor(
    'every grant to be over',
    async () => {
      const live = await broker.database.query(`select 1 from grants where ended_at is null limit 1`)
      return live.rowCount === 0
    },
    180_000,
  )
  await nothingLeft(broker, vault)
}

function report(took: Record<Contestant, number[][]>, size: { rate: number; slow: number }): void {
  const p = (samples: readonly (readonly number[])[], which: 'p50' | 'p99') => samples.map((one) => spread(one)[which])
  const line = (name: string, rate: number, samples: number[][]) => [name, `${rate}/s`, inWords(spread(samples.flat()))]
  const beside = (name: string, rate: number, samples: number[][], ours: number[][]) => [
    ...line(name, rate, samples),
    ratio(p(ours, 'p50'), p(samples, 'p50')),
    ratio(p(ours, 'p99'), p(samples, 'p99')),
  ]
  const us = 'broker: request, approve, active, open'
  const hashed = 'script: policy, user by `password_hash` of cost 5, wrapped login'
  const plain = 'script: policy, user by `password`, wrapped login'
  printTable(
    ['from the intended start', 'arrivals', 'p50 / p99 / last', 'ours ÷ it, p50', 'ours ÷ it, p99'],
    [
      [...line(us, size.rate, took.broker), '', ''],
      beside(hashed, size.rate, took.hash, took.broker),
      [...line(us, size.slow, took['broker, slower']), '', ''],
      beside(plain, size.slow, took.password, took['broker, slower']),
    ],
  )
}
