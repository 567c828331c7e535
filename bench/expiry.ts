import { vaultBinary } from '../dev/vault/vault-binary.ts'
import { startVaultServer } from '../dev/vault/vault-server.ts'
import { startBroker } from './broker.ts'
import { type Delivery, type Ending, endTogether, stage } from './expiry-ours.ts'
import { byGraphileWorker, byPgBoss, byTheServer, deletedBy } from './expiry-peers.ts'
import { inWords, machine, median, printTable, RawSamples, ratio, seconds, spread } from './figures.ts'
import { startProber } from './prober.ts'
import { bench, numbered, numbersFrom, say } from './run.ts'
import { connect, discovered, person } from './setting.ts'
import { PROBED, VaultLoop } from './vault-loop.ts'

const IN_FLIGHT = [8, 16, 32]

/** B2: many grants end at one moment. Judged by a prober of its own process and by the server's audit file. */
await bench(async (keep) => {
  const size = numbersFrom({ grants: 1000, opened: 200, rate: 800, pairs: 3 })
  const binary = await vaultBinary()
  const vault = keep(await startVaultServer({ binary }), (server) => server.stop())
  const broker = keep(await startBroker(), (daemon) => daemon.stop())
  const about = machine({ [binary.product]: `${binary.version} (raft, audit file)`, ...broker.versions })
  console.log(`B2 expiry: ${size.grants} grants due at one moment, ${size.opened} of them opened, ${size.pairs} pairs\n${about}`)
  const raw = new RawSamples('expiry', { about, size })
  const integration = await connect(broker, vault)
  const loop = keep(new VaultLoop(vault), (it) => it.caller.close())
  await loop.prepare()
  await loop.fill()
  await discovered(broker, integration)
  const on = await stage(broker, vault, integration, await person(broker, 'alice'))
  const inFlight = await bestConcurrency(loop, Math.ceil(size.grants / 4), size.opened / size.grants)
  const graphile = byGraphileWorker(await broker.freshDatabase('graphile'))
  const boss = byPgBoss(await broker.freshDatabase('boss'))

  const ours: Record<Delivery, Ending[]> = { token: [], password: [] }
  const bare: { policies: number; everything: number }[] = []
  const jobs: Record<'graphile' | 'boss', number[][]> = { graphile: [], boss: [] }
  const server: { probed: number[]; gone: number }[] = []
  for (const pair of numbered(size.pairs)) {
    for (const delivery of ['token', 'password'] as const) {
      say(`pair ${pair + 1} of ${size.pairs}: the broker, delivery ${delivery}`)
      ours[delivery].push(await endTogether(on, delivery, size))
    }
    say('… a bare client loop, the server’s own expiry, and two job runners')
    server.push(await byTheServer(vault, loop, size))
    const names = numbered(size.grants).map((index) => `bench-${pair}-${index}`)
    const tokens = await loop.make(names, size.opened)
    // The peers are probed as much as the broker is, or they would have more of the machine.
    const probing = { origin: vault.address, path: PROBED, tokens: [...tokens, vault.rootToken], rate: size.rate }
    const prober = startProber(probing)
    jobs.graphile.push(await deletedBy(graphile, vault, loop, size.grants, pair))
    jobs.boss.push(await deletedBy(boss, vault, loop, size.grants, pair + 1000))
    bare.push(await loop.end(names, inFlight))
    await prober.stop()
  }
  for (const [series, samples] of Object.entries({ ...ours, bare, ...jobs, server })) raw.add(series, samples)
  report(ours, bare, jobs, server, inFlight)
  raw.write()
})

/** The loop gets whatever suits it best on this machine. */
async function bestConcurrency(loop: VaultLoop, count: number, share: number): Promise<number> {
  let best = { inFlight: 0, took: Number.POSITIVE_INFINITY }
  for (const inFlight of IN_FLIGHT) {
    const names = numbered(count).map((index) => `bench-tune-${inFlight}-${index}`)
    await loop.make(names, Math.round(count * share))
    const { everything: took } = await loop.end(names, inFlight)
    if (took < best.took) best = { inFlight, took }
  }
  return best.inFlight
}

function report(
  ours: Record<Delivery, Ending[]>,
  bare: readonly { policies: number; everything: number }[],
  jobs: Record<'graphile' | 'boss', number[][]>,
  server: readonly { probed: number[]; gone: number }[],
  inFlight: number,
): void {
  const all = (samples: readonly (readonly number[])[]) => inWords(spread(samples.flat()), seconds)
  const lasts = (samples: readonly (readonly number[])[]) => samples.map((one) => spread(one).last)
  printTable(
    ['last success − due: p50 / p99 / last', 'prober', 'audit file'],
    [
      ...(['token', 'password'] as const).map((delivery) => [
        `broker, delivery \`${delivery}\``,
        all(ours[delivery].map(({ probed }) => probed)),
        all(ours[delivery].map(({ served }) => served)),
      ]),
      ['the server’s own expiry of as many tokens', all(server.map(({ probed }) => probed)), '–'],
    ],
  )
  const cut = ours.password.map((ending) => ending.cut)
  const job = (name: string, samples: readonly (readonly number[])[]) => [name, all(samples), ratio(lasts(cut), lasts(samples))]
  printTable(
    ['policy gone − due: p50 / p99 / last', 'audit file', 'ours ÷ it, last'],
    [
      ['broker, delivery `token`', all(ours.token.map((ending) => ending.cut)), ''],
      ['broker, delivery `password`', all(cut), ''],
      job('graphile-worker (24 at once, poll 0.5 s, local queue 100)', jobs.graphile),
      job('pg-boss (4 × batch 100, 32 at once, poll 0.5 s)', jobs.boss),
      [
        `bare loop, ${inFlight} at once (no journal, no database)`,
        seconds(median(bare.map(({ policies }) => policies))),
        ratio(
          lasts(cut),
          bare.map(({ policies }) => policies),
        ),
      ],
    ],
  )
  const everything = bare.map((one) => one.everything)
  const ended = (delivery: Delivery) => lasts(ours[delivery].map((ending) => ending.ended))
  printTable(
    ['every object gone, proved, with its receipt', 'median', 'ours ÷ bare loop (min–max)'],
    [
      ['broker, delivery `token`', seconds(median(ended('token'))), ratio(ended('token'), everything)],
      ['broker, delivery `password`', seconds(median(ended('password'))), ratio(ended('password'), everything)],
      [`bare loop, ${inFlight} at once (no receipt)`, seconds(median(everything)), ''],
      ['the server’s own expiry (tokens only)', seconds(median(server.map(({ gone }) => gone))), ''],
    ],
  )
}
