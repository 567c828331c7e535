import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { filesOf, RULE_GROUPS, type RuleGroup, SPARED, testsOf } from './rule-groups.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const ENOUGH = 0.9

const HELP = `npm run mutants:rules -- [--group <text>] [--judge]
  --group <text>  only groups of rules whose name has this text, or only their files that have it
  --judge         judges what the last run found, and plants nothing`

process.exitCode = main()

interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Planted[] }>>
}
interface Planted {
  readonly status: string
  readonly statusReason?: string
  readonly mutatorName: string
  readonly replacement?: string
  readonly location: { readonly start: Point; readonly end: Point }
}
interface Point {
  readonly line: number
  readonly column: number
}

/** Plants bugs in the rules by Stryker, runs the tests in test/rules on each, and judges group by group. */
function main(): number {
  const { values } = parseArgs({
    options: {
      group: { type: 'string', default: '' },
      judge: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const chosen = RULE_GROUPS.map((group) => ({ ...group, found: filesOf(group), wanted: group.name.includes(values.group) }))
    .map(({ found, wanted, ...group }) => ({
      group,
      files: wanted ? found : found.filter((file) => file.includes(values.group)),
    }))
    .filter(({ files }) => files.length > 0)
  if (chosen.length === 0) return fault(`no group and no file has ${values.group} in its name`)
  return chosen.map(({ group, files }) => tried(group, files, values.judge)).every(Boolean) ? 0 : 1
}

function tried(group: RuleGroup, files: readonly string[], onlyJudge: boolean): boolean {
  const report = path.join(ROOT, '.stryker', `${group.name.replaceAll(' ', '-')}.json`)
  if (!onlyJudge) {
    rmSync(report, { force: true })
    const stryker = path.join(ROOT, 'node_modules/@stryker-mutator/core/bin/stryker.js')
    const env = { ...process.env, LATCHKEY_RULE_TESTS: testsOf(group).join(','), LATCHKEY_RULE_REPORT: report }
    const options = { cwd: ROOT, env, stdio: 'inherit' } as const
    const { status } = spawnSync(process.execPath, [stryker, 'run', '--mutate', files.join(',')], options)
    if (status !== 0) return fault(`${group.name}: Stryker ended with ${status}`) === 0
  }
  return isGoodEnough(group.name, files, JSON.parse(readFileSync(report, 'utf8')) as Report)
}

function isGoodEnough(name: string, files: readonly string[], report: Report): boolean {
  const counts = { noticed: 0, missed: 0, spared: 0 }
  for (const file of files) {
    const { source, mutants } = report.files[file] ?? { source: '', mutants: [] }
    for (const mutant of mutants) {
      const verdict = verdictOn(file, source, mutant)
      if (verdict) counts[verdict] += 1
      if (verdict === 'missed') console.log(`MISSED  ${file}:${mutant.location.start.line}  ${told(source, mutant)}`)
    }
  }
  const score = counts.noticed / (counts.noticed + counts.missed)
  console.log(
    `${name}: ${(100 * score).toFixed(1)} %, ${counts.noticed} noticed, ${counts.missed} missed, ${counts.spared} spared`,
  )
  return score >= ENOUGH
}

function verdictOn(file: string, source: string, mutant: Planted): 'noticed' | 'missed' | 'spared' | undefined {
  switch (mutant.status) {
    case 'Killed':
    case 'Timeout':
    case 'RuntimeError': // the code does not even load
      return 'noticed'
    case 'Ignored':
      return 'spared'
    case 'Survived':
    case 'NoCoverage': {
      const code = codeOf(source, mutant)
      const isSpared = SPARED.some((one) => file.endsWith(one.file) && one.code === code && one.becomes === mutant.replacement)
      return isSpared ? 'spared' : 'missed'
    }
  }
  return undefined
}

function told(source: string, mutant: Planted): string {
  const unseen = mutant.status === 'NoCoverage' ? ' (no test comes by)' : ''
  return `${mutant.mutatorName}: ${JSON.stringify(codeOf(source, mutant))} → ${JSON.stringify(mutant.replacement)}${unseen}`
}

/** Columns and lines are counted from 1. */
function codeOf(source: string, { location: { start, end } }: Planted): string {
  const lines = source.split('\n').slice(start.line - 1, end.line)
  lines[lines.length - 1] = lines.at(-1)!.slice(0, end.column - 1)
  lines[0] = lines[0]!.slice(start.column - 1)
  return lines.join('\n')
}

function fault(message: string): number {
  console.error(message)
  return 1
}
