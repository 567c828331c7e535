import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { vaultBinary } from '../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../dev/vault/vault-server.ts'
import { waitFor } from '../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from './broker.ts'
import { issued, preparedForCertificates, type Role, sentOneAfterAnother, unlike } from './distribution-peers.ts'
import { inWords, machine, median, printTable, RawSamples, ratio, seconds, spread } from './figures.ts'
import { atOnce, bench, numbered, numbersFrom, say } from './run.ts'

/** What one distribution took: of each healthy target, from the order until it was read back. */
interface Sent {
  readonly healthy: readonly number[]
  /** until every healthy one is as it was before */
  readonly back: number
}

interface Place {
  readonly name: string
  readonly path: string
  readonly is: 'healthy' | 'refusing' | 'hanging'
}

/** B6: one certificate to many targets, some of which refuse and some of which hang. Void unless every target is as it is said to be. */
await bench(async (keep) => {
  const size = numbersFrom({ targets: 1000, refusing: 10, hanging: 5, hangs: 30, batch: 25, pairs: 3 })
  const binary = await vaultBinary()
  const server = keep(await startVaultServer({ binary, audit: false }), (it) => it.stop())
  const broker = keep(await startBroker(), (daemon) => daemon.stop())
  const about = machine({ [binary.product]: `${binary.version} (raft)`, ...broker.versions })
  const faults = `${size.refusing} refusing, ${size.hanging} hanging ${size.hangs} s`
  console.log(`B6 distribution: one certificate to ${size.targets} targets, ${faults}, ${size.pairs} pairs\n${about}`)
  const raw = new RawSamples('distribution', { about, size })
  const hung = keep(await startHung(size.hangs * 1000), (it) => it.close())
  const role = await preparedForCertificates(server)
  const places = placesOf(size)
  say(`${size.targets} targets are being made, and as many without faults`)
  const addressOf = (is: Place['is']) => ({ healthy: server.address, refusing: 'http://127.0.0.1:9', hanging: hung.url })[is]
  const withFaults = await targetsAt(broker, role, places, addressOf)
  const without = await targetsAt(broker, role, places, () => server.address, 'well ')
  const before = broker.peakMemory()

  const quiet: Sent[] = []
  const faulty: Sent[] = []
  const alone: { took: number; healthy: readonly number[] }[] = []
  for (const pair of numbered(size.pairs)) {
    for (const [series, ids, sent] of [
      ['without faults', without, quiet],
      ['with faults', withFaults, faulty],
    ] as const) {
      say(`pair ${pair + 1} of ${size.pairs}: the broker, ${series}`)
      sent.push(await send(broker, server, places, ids, size, series === 'with faults'))
    }
    say('… and a client that does one after another')
    alone.push(
      await sentOneAfterAnother(
        server,
        role,
        places.map((place) => ({ ...place, address: addressOf(place.is) })),
        size.hangs * 1000,
      ),
    )
  }
  raw.add('without faults', quiet)
  raw.add('with faults', faulty)
  raw.add('one after another', alone)
  const p99s = (sent: readonly { healthy: readonly number[] }[]) => sent.map(({ healthy }) => spread(healthy).p99)
  const line = (name: string, sent: readonly { healthy: readonly number[] }[], than: string) => [
    name,
    inWords(spread(sent.flatMap(({ healthy }) => healthy)), seconds),
    than,
  ]
  printTable(
    ['healthy targets, order → read back: p50 / p99 / last', '', 'p99 ÷ that without faults (min–max)'],
    [
      line('the broker, no faults', quiet, ''),
      line(`the broker, ${faults}`, faulty, ratio(p99s(faulty), p99s(quiet))),
      line('a client that does one after another, the same faults', alone, ratio(p99s(alone), p99s(quiet))),
    ],
  )
  printTable(
    ['', 'median'],
    [
      ['one after another ÷ the broker, both with faults, p99', ratio(p99s(alone), p99s(faulty))],
      ['all put back, no faults', seconds(median(quiet.map(({ back }) => back)))],
      ['all healthy ones put back, with faults', seconds(median(faulty.map(({ back }) => back)))],
      ['memory of the daemon at its most, before and after', `${before ?? '–'} / ${broker.peakMemory() ?? '–'} MiB`],
    ],
  )
  raw.write()
})

/** Those with faults lie evenly between the others. */
function placesOf({ targets, refusing, hanging }: Record<'targets' | 'refusing' | 'hanging', number>): Place[] {
  const kinds = [...numbered(hanging).map(() => 'hanging' as const), ...numbered(refusing).map(() => 'refusing' as const)]
  const step = Math.floor(targets / Math.max(1, kinds.length))
  return numbered(targets).map((index) => {
    const fault = index % step === 0 ? kinds[index / step] : undefined
    return { name: `target-${index}`, path: `certs/t${index}`, is: fault ?? 'healthy' }
  })
}

async function targetsAt(
  broker: Broker,
  role: Role,
  places: readonly Place[],
  addressOf: (is: Place['is']) => string,
  prefix = '',
): Promise<string[]> {
  const addresses = [...new Set(places.map(({ is }) => addressOf(is)))]
  const { id: credentialId } = await broker.admin.must('POST', '/api/target-credentials', {
    name: `${prefix}bench`,
    plugin: 'vault',
    login: { method: 'approle', ...role },
    destinations: addresses.map((address) => ({ address })),
  })
  const ids: string[] = []
  await atOnce(places, 8, async ({ name, path, is }, index) => {
    const location = { address: addressOf(is), path: `${path}/{{ .cn }}` }
    const made = await broker.admin.must('POST', '/api/targets', { name: prefix + name, credentialId, location, skipTest: true })
    ids[index] = made.id
  })
  return ids
}

/** Sends a certificate of its own, looks into the server whether it is where it is said to be, and has it put back. */
async function send(
  broker: Broker,
  server: VaultServer,
  places: readonly Place[],
  targetIds: readonly string[],
  { batch }: { batch: number },
  hasFaults: boolean,
): Promise<Sent> {
  const healthy = places.map(({ is }) => !hasFaults || is === 'healthy')
  const wanted = healthy.filter(Boolean).length
  const made = await issued(server, `b${randomBytes(6).toString('hex')}.example.com`)
  const { id: certificateId } = await broker.admin.must('POST', '/api/certificates', made.body)
  const order = { certificateId, targetIds, reason: 'a bench', batchSize: batch }
  const { id } = await broker.admin.must('POST', '/api/distributions', order)
  const standing = () => broker.admin.must('GET', `/api/distributions/${id}`)
  const until = (what: string, isSo: (now: Standing) => boolean) => waitFor(what, async () => isSo(await standing()), 900_000)
  await until('every healthy target to have it', ({ counts }) => (counts.verified ?? 0) >= wanted)
  const { rows } = await broker.database.query<{ target: string; ms: number }>(
    `select p.target_id as target, extract(epoch from (o.done ->> 'at')::timestamptz - d.created_at)::float * 1000 as ms
     from distribution_parts p join distributions d on d.id = p.distribution_id join ordered_runs o on o.id = p.run_id
     where d.id = $1 and o.done is not null`,
    [id],
  )
  const took = new Map(rows.map(({ target, ms }) => [target, ms]))
  await atOnce(places, 16, async ({ name, path }, index) => {
    const { body } = await server.api('GET', `secret/data/${path}/${made.cn}`)
    const flaw = unlike(body?.data, healthy[index] ? made : undefined)
    if (flaw) throw new Error(`void: ${name}: ${flaw}`)
    if (took.has(targetIds[index]!) !== healthy[index]) throw new Error(`void: ${name} is not what it is said to be`)
  })
  if (hasFaults) {
    await broker.admin.must('POST', `/api/distributions/${id}/cancel`, { reason: 'the bench has what it wants' })
    await until('it to settle', ({ state }) => state !== 'running')
    const { counts } = await standing()
    if (counts.failed !== places.length - wanted) throw new Error(`void: ${JSON.stringify(counts)}`)
  }
  const began = performance.now()
  await broker.admin.must('POST', `/api/distributions/${id}/rollback`, { reason: 'the bench has what it wants' })
  await until('it to be put back', ({ counts, state }) => state !== 'running' && (counts.rolled_back ?? 0) === wanted)
  const back = performance.now() - began
  await atOnce(places, 16, async ({ name, path }) => {
    const { body } = await server.api('GET', `secret/data/${path}/${made.cn}`)
    if (body?.data?.data) throw new Error(`void: ${name} still has it`)
  })
  return { healthy: [...took.values()], back }
}

interface Standing {
  readonly state: string
  readonly counts: { readonly verified?: number; readonly rolled_back?: number; readonly failed?: number }
}

/** Takes a connection, says nothing for so long, and hangs up. */
async function startHung(afterMs: number): Promise<{ url: string; close(): Promise<void> }> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    const timer = setTimeout(() => socket.destroy(), afterMs)
    socket
      .on('error', () => {})
      .on('close', () => {
        clearTimeout(timer)
        open.delete(socket)
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
