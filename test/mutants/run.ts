import { parseArgs } from 'node:util'
import { makeCopy } from './copy.ts'
import { complaintWithoutBug, judge, type Verdict } from './judge.ts'
import type { Mutant } from './mutant.ts'
import { MUTANTS } from './table.ts'

const HELP = `npm run mutants -- [--sample <n>] [--match <text>] [--at-once <n>] [--trust]
  --sample <n>   only n of them, others each day
  --match <text> only those whose file or bug has this text
  --at-once <n>  how many are tried at a time; 2 unless told
  --trust        do not run the tests without a bug first, because that was just done`

process.exitCode = await main()

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      sample: { type: 'string' },
      match: { type: 'string' },
      'at-once': { type: 'string', default: '2' },
      trust: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const chosen = choose(values.match, values.sample)
  const verdicts = await tryAll(chosen, Number(values['at-once']), values.trust)
  if (!verdicts) return 1
  const noticed = verdicts.filter(({ outcome }) => outcome === 'noticed').length
  for (const { mutant, outcome, why } of verdicts) {
    if (outcome !== 'noticed') console.log(`${outcome.toUpperCase()}  ${mutant.file}: ${mutant.bug}  (${why})`)
  }
  const equivalent = MUTANTS.filter((mutant) => mutant.equivalent !== undefined).length
  console.log(`${noticed} of ${chosen.length} planted bugs were noticed; ${equivalent} more cannot be told from the original`)
  return noticed === chosen.length && noticed > 0 ? 0 : 1
}

function choose(match = '', sample?: string): Mutant[] {
  const real = MUTANTS.filter(({ equivalent }) => equivalent === undefined)
  const matching = real.filter(({ bug, file }) => `${file}: ${bug}`.includes(match))
  if (sample === undefined) return matching
  const size = Math.min(Number(sample), matching.length)
  const first = (Math.floor(Date.now() / 86_400_000) * size) % Math.max(matching.length, 1)
  return [...matching, ...matching].slice(first, first + size)
}

async function tryAll(chosen: readonly Mutant[], atOnce: number, trust: boolean): Promise<Verdict[] | undefined> {
  const copies = await Promise.all(Array.from({ length: Math.min(atOnce, chosen.length) }, makeCopy))
  try {
    const [first] = copies
    const complaint = trust || !first ? undefined : await complaintWithoutBug(first, chosen)
    if (complaint) {
      console.log(`the tests fail without any bug planted, so they prove nothing: ${complaint}`)
      return undefined
    }
    const queue = [...chosen]
    const verdicts: Verdict[] = []
    const work = copies.map(async (copy) => {
      for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
        const verdict = await judge(copy, mutant)
        verdicts.push(verdict)
        console.log(`${verdicts.length}/${chosen.length} ${verdict.outcome}  ${mutant.file}: ${mutant.bug}  (${verdict.why})`)
      }
    })
    await Promise.all(work)
    return verdicts
  } finally {
    await Promise.all(copies.map((copy) => copy.remove()))
  }
}
