import { setTimeout as sleep } from 'node:timers/promises'
import { type ServerBinary, vaultBinary } from '../dev/vault/vault-binary.ts'
import type { DiscoveryRunView } from '../src/contract/integrations.ts'
import { type Broker, startBroker } from './broker.ts'
import { FOLDERS, KEYS, startFilledVault } from './discovery-tree.ts'
import { readTags, walk } from './discovery-walk.ts'
import { machine, median, printTable, RawSamples, ratio, seconds } from './figures.ts'
import { bench, type Keep, numbered, numbersFrom, say } from './run.ts'
import { connect } from './setting.ts'

interface Sync {
  readonly namesMs: number
  readonly detailsMs: number
  readonly written: number
}

interface Round {
  readonly cold: Sync
  readonly again: Sync
  readonly peakMemory: number | undefined
  readonly oneByOneMs: number
  readonly sixAtOnceMs: number
  readonly tagsMs: number
}

/** B4: an empty database until every name is searchable and every tag is there, beside recursive walks that keep nothing. */
await bench(async (keep) => {
  const size = numbersFrom({ secrets: 0, pairs: 3 })
  const binary = await vaultBinary()
  const sizes = size.secrets > 0 ? [size.secrets] : [10_000, 100_000]
  const about = machine({ [binary.product]: `${binary.version} (raft, audit file)`, PostgreSQL: 'embedded, fsync on' })
  console.log(
    `B4 discovery: secrets in ${FOLDERS} folders, every tenth tagged, and ${KEYS} Transit keys; ${size.pairs} pairs\n${about}`,
  )
  const raw = new RawSamples('discovery', { about, size })
  for (const secrets of sizes) {
    const rounds = await measure(keep, binary, secrets, size.pairs)
    raw.add(String(secrets), rounds)
    report(secrets, rounds)
  }
  raw.write()
})

async function measure(keep: Keep, binary: ServerBinary, secrets: number, pairs: number): Promise<Round[]> {
  const vault = keep(await startFilledVault(binary, secrets), (server) => server.stop())
  const rounds: Round[] = []
  for (const pair of numbered(pairs)) {
    say(`${secrets} secrets, pair ${pair + 1} of ${pairs}`)
    const broker = keep(await startBroker(), (daemon) => daemon.stop())
    const integration = await connect(broker, vault)
    const cold = await sync(broker, integration)
    const { rows } = await broker.database.query<{ count: number; name: string }>(
      `select count(*)::int, max(attributes ->> 'path') filter (where type = 'vault-kv-secret') as name from resources where gone_at is null`,
    )
    const oneByOne = await walk(vault, 1)
    const again = await sync(broker, integration)
    const sixAtOnce = await walk(vault, 6)
    if (rows[0]?.count !== secrets + KEYS || oneByOne.names !== secrets + KEYS) {
      throw new Error(`void: ${rows[0]?.count} found, ${oneByOne.names} walked`)
    }
    const names = numbered(secrets).map((index) => `folder-${index % FOLDERS}/secret-number-${index}`)
    const tagsMs = await readTags(vault, names, 8)
    const peakMemory = broker.peakMemory()
    rounds.push({ cold, again, peakMemory, oneByOneMs: oneByOne.tookMs, sixAtOnceMs: sixAtOnce.tookMs, tagsMs })
    await broker.stop()
  }
  return rounds
}

/** One look through everything, the first by itself and the others on demand. */
async function sync(broker: Broker, integration: string): Promise<Sync> {
  const before = await tupleWrites(broker)
  await broker.admin.must('POST', `/api/integrations/${integration}/sync`)
  let namesMs = Number.NaN
  for (;;) {
    const run: DiscoveryRunView = await broker.admin.must('GET', `/api/integrations/${integration}/sync`)
    const sinceMs = Date.now() - Date.parse(run.startedAt)
    if (run.phase === 'details' && Number.isNaN(namesMs)) namesMs = sinceMs
    if (run.endedAt === null) {
      await sleep(20)
      continue
    }
    if (run.state !== 'completed') throw new Error(`void: ${JSON.stringify(run)}`)
    await sleep(1_500) // the server counts what was written a little later
    const detailsMs = Date.parse(run.endedAt) - Date.parse(run.startedAt)
    return { namesMs, detailsMs, written: (await tupleWrites(broker)) - before }
  }
}

/** Rows of resources that were ever inserted, updated or deleted. */
async function tupleWrites(broker: Broker): Promise<number> {
  const { rows } = await broker.database.query<{ writes: number }>(
    `select (n_tup_ins + n_tup_upd + n_tup_del)::int as writes from pg_stat_user_tables where relname = 'resources'`,
  )
  return rows[0]?.writes ?? 0
}

function report(secrets: number, rounds: readonly Round[]): void {
  const of = (pick: (round: Round) => number) => rounds.map(pick)
  const names = of(({ cold }) => cold.namesMs)
  const tags = of(({ cold }) => cold.detailsMs - cold.namesMs)
  const peer = (name: string, times: number[], ours: number[]) => [name, seconds(median(times)), ratio(ours, times)]
  const most = Math.max(...rounds.map(({ peakMemory }) => peakMemory ?? Number.NaN))
  printTable(
    [`${secrets} secrets`, 'median', 'ours ÷ it (min–max)'],
    [
      ['broker, empty database: names searchable', seconds(median(names)), ''],
      peer(
        'walk, one call at a time, nothing kept',
        of((round) => round.oneByOneMs),
        names,
      ),
      peer(
        'walk, 6 in flight, nothing kept',
        of((round) => round.sixAtOnceMs),
        names,
      ),
      ['broker: tags and details after that', seconds(median(tags)), ''],
      peer(
        'reading as much metadata, 8 in flight, nothing kept',
        of((round) => round.tagsMs),
        tags,
      ),
      ['broker, again without a change: names', seconds(median(of(({ again }) => again.namesMs))), ''],
      ['broker, again without a change: everything', seconds(median(of(({ again }) => again.detailsMs))), ''],
      ['rows written by that second look', String(Math.max(...of(({ again }) => again.written))), ''],
      ['peak memory of the daemon', Number.isNaN(most) ? 'not known here' : `${most} MiB`, ''],
    ],
  )
}
