import { parseArgs } from 'node:util'
import { makeCopy } from './copy.ts'
import { complaintWithoutBug, judge, type Outcome, type Verdict } from './judge.ts'
import type { Mutant } from './mutant.ts'
import { sampleOf } from './sample.ts'
import { startPostgres } from './shared-postgres.ts'
import { MUTANTS } from './table.ts'

const HELP = `npm run mutants -- [--sample <n>] [--match <text>] [--at-once <n>] [--minutes <n>] [--trust]
  --sample <n>   only n of them, others each day
  --match <text> only those whose file or bug has this text
  --at-once <n>  how many are tried at a time; 2 unless given
  --minutes <n>  begins no other after so long; what was not tried by then is said and is no fault
  --trust        do not run the tests without a bug first, because that was just done
  --list         only say which these are`

process.exitCode = await main()

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      sample: { type: 'string' },
      match: { type: 'string' },
      'at-once': { type: 'string', default: '2' },
      minutes: { type: 'string', default: 'Infinity' },
      trust: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const began = performance.now()
  const chosen = choose(values.match, values.sample)
  if (values.list) {
    for (const { file, bug } of chosen) console.log(`${file}: ${bug}`)
    return 0
  }
  const verdicts = await tryAll(chosen, Number(values['at-once']), Number(values.minutes) * 60_000, values.trust)
  if (!verdicts) return 1
  const count = (wanted: Outcome) => verdicts.filter(({ outcome }) => outcome === wanted).length
  console.log('')
  for (const { mutant, outcome, why } of verdicts) {
    if (outcome !== 'noticed') console.log(`${outcome.toUpperCase()}  ${mutant.file}: ${mutant.bug}  (${why})`)
  }
  const equivalent = MUTANTS.filter((mutant) => mutant.equivalent !== undefined).length
  const minutes = ((performance.now() - began) / 60_000).toFixed(1)
  console.log(
    `${count('noticed')} of ${chosen.length} planted bugs were noticed, ${count('survived')} survived, ` +
      `${count('untried')} were not tried to the end, in ${minutes} minutes; ${equivalent} more cannot be told from the original`,
  )
  // A busy machine is no fault of the tests, where only so much time was given.
  const isUntriedFine = Number.isFinite(Number(values.minutes)) && count('noticed') > 0
  const wrong = count('survived') + count('misplaced') + (isUntriedFine ? 0 : count('untried'))
  return wrong === 0 && chosen.length > 0 ? 0 : 1
}

function choose(match = '', sample?: string): readonly Mutant[] {
  const real = MUTANTS.filter(({ equivalent }) => equivalent === undefined)
  const matching = real.filter(({ bug, file }) => `${file}: ${bug}`.includes(match))
  return sample === undefined ? matching : sampleOf(matching, Number(sample), Date.now())
}

async function tryAll(
  chosen: readonly Mutant[],
  atOnce: number,
  withinMs: number,
  trust: boolean,
): Promise<Verdict[] | undefined> {
  const until = performance.now() + withinMs
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())
  const postgres = await startPostgres()
  const copies = await Promise.all(Array.from({ length: Math.min(atOnce, chosen.length) }, makeCopy))
  try {
    const ground = { postgres: postgres.url, signal: stop.signal }
    const [first] = copies
    const complaint = trust || !first ? undefined : await complaintWithoutBug(first, chosen, ground)
    if (complaint) {
      console.log(`the tests fail without any bug planted, so they prove nothing: ${complaint}`)
      return undefined
    }
    const queue = [...chosen]
    const verdicts: Verdict[] = []
    const work = copies.map(async (copy) => {
      for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
        const isLate = performance.now() > until || stop.signal.aborted
        const verdict: Verdict = isLate
          ? { mutant, outcome: 'untried', why: 'the time was over' }
          : await judge(copy, mutant, ground)
        verdicts.push(verdict)
        console.log(`${verdicts.length}/${chosen.length} ${verdict.outcome}  ${mutant.file}: ${mutant.bug}  (${verdict.why})`)
      }
    })
    await Promise.all(work)
    return verdicts
  } finally {
    await Promise.all(copies.map((copy) => copy.remove()))
    await postgres.stop()
  }
}
