import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { testFile } from '../support/test-files.ts'
import type { Copy } from './copy.ts'
import type { Mutant } from './mutant.ts'

const PATIENCE_MS = 15 * 60_000

/** `untried` says nothing about the tests: they did not come to their end, or there was no time. `misplaced` is a row that must be mended. */
export type Outcome = 'noticed' | 'survived' | 'untried' | 'misplaced'

export interface Verdict {
  readonly mutant: Mutant
  readonly outcome: Outcome
  readonly why: string
}

/** What all runs of tests have in common. */
export interface Ground {
  /** the URL of a server for all of them */
  readonly postgres: string
  readonly signal: AbortSignal
}

/** Plants one bug and sees whether its tests notice. */
export async function judge(copy: Copy, mutant: Mutant, ground: Ground): Promise<Verdict> {
  try {
    await copy.plant(mutant)
  } catch (error) {
    return { mutant, outcome: 'misplaced', why: error instanceof Error ? error.message : String(error) }
  }
  // What changes how a database comes to be gets one of its own.
  const postgres = /^(migrations|src\/platform\/postgres)\//.test(mutant.file) ? undefined : ground.postgres
  const { seconds, ran, complaint } = await testsIn(copy, mutant.suites, { ...ground, postgres }, mutant.only)
  if (ran === undefined) return { mutant, outcome: 'untried', why: `the tests did not run to their end in ${seconds} s` }
  if (complaint) return { mutant, outcome: 'noticed', why: `${seconds} s: ${complaint}` }
  if (ran === 0) return { mutant, outcome: 'misplaced', why: `no test of ${mutant.suites.join(', ')} ran` }
  return { mutant, outcome: 'survived', why: `${ran} tests passed in ${seconds} s` }
}

/** What is wrong with these mutants' tests without any bug: undefined, as it should be, or the first complaint. */
export async function complaintWithoutBug(copy: Copy, mutants: readonly Mutant[], ground: Ground): Promise<string | undefined> {
  const suites = [...new Set(mutants.flatMap((mutant) => mutant.suites))]
  await copy.clean(suites)
  const { ran, complaint } = await testsIn(copy, suites, ground)
  return ran === undefined ? 'they did not run to their end' : complaint
}

interface Report {
  readonly success: boolean
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly Result[]
  }[]
}
interface Result {
  readonly status: string
  readonly fullName: string
}
interface Ran {
  readonly seconds: number
  /** undefined when there is no report */
  readonly ran?: number
  readonly complaint?: string
}

/** Runs until the first failure, on one server: which one does not matter to a bug of ours. */
async function testsIn(
  { folder }: Copy,
  suites: readonly string[],
  { postgres, signal }: Omit<Ground, 'postgres'> & { readonly postgres: string | undefined },
  only?: string,
): Promise<Ran> {
  const file = path.join(folder, 'report.json')
  await rm(file, { force: true })
  const options = ['--bail=1', '--maxWorkers=1', '--reporter=json', `--outputFile=${file}`, ...(only ? ['-t', only] : [])]
  const cache = ['--fsModuleCache', `--fsModuleCachePath=${path.join(folder, 'modules')}`]
  const files = suites.map(fileOf)
  const env = {
    ...process.env,
    LATCHKEY_SERVER: process.env['LATCHKEY_SERVER'] ?? 'openbao',
    LATCHKEY_TEST_POSTGRES: postgres,
  }
  const began = performance.now()
  await new Promise<void>((resolve) =>
    execFile(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', 'run', ...files, ...options, ...cache],
      { cwd: folder, env, timeout: PATIENCE_MS, signal, maxBuffer: 64 << 20 },
      () => resolve(),
    ),
  )
  const seconds = Math.round((performance.now() - began) / 1000)
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return { seconds }
  const report = JSON.parse(text) as Report
  const failed = report.testResults.flatMap(({ assertionResults }) => assertionResults).find(({ status }) => status === 'failed')
  const reason = report.testResults.find(({ status }) => status === 'failed')?.message.split('\n')[0]
  const unready = report.success ? undefined : `what the tests need did not start: ${reason || 'nobody says why'}`
  return { seconds, ran: report.numPassedTests + report.numFailedTests, complaint: failed?.fullName ?? unready }
}

function fileOf(suite: string): string {
  const file = testFile(suite)
  if (!file) throw new Error(`no test is called ${suite}`)
  return path.relative(path.resolve(import.meta.dirname, '../..'), file)
}
