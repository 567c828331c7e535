import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { testFile } from '../support/test-files.ts'
import type { Copy } from './copy.ts'
import type { Mutant } from './mutant.ts'

const PATIENCE_MS = 15 * 60_000

export interface Verdict {
  readonly mutant: Mutant
  readonly outcome: 'noticed' | 'survived' | 'untried'
  readonly why: string
}

/** Plants one bug and sees whether its tests notice. */
export async function judge(copy: Copy, mutant: Mutant): Promise<Verdict> {
  try {
    await copy.plant(mutant)
  } catch (error) {
    return { mutant, outcome: 'untried', why: error instanceof Error ? error.message : String(error) }
  }
  const { seconds, ran, complaint } = await testsIn(copy, mutant.suites, mutant.only)
  if (ran === undefined) return { mutant, outcome: 'untried', why: `the tests did not run to their end in ${seconds} s` }
  if (complaint) return { mutant, outcome: 'noticed', why: `${seconds} s: ${complaint}` }
  if (ran === 0) return { mutant, outcome: 'untried', why: `no test of ${mutant.suites.join(', ')} ran` }
  return { mutant, outcome: 'survived', why: `${ran} tests passed in ${seconds} s` }
}

/** What is wrong with these mutants' tests without any bug: undefined, as it should be, or the first complaint. */
export async function complaintWithoutBug(copy: Copy, mutants: readonly Mutant[]): Promise<string | undefined> {
  await copy.clean()
  const { ran, complaint } = await testsIn(copy, [...new Set(mutants.flatMap(({ suites }) => suites))])
  return ran === undefined ? 'they did not run to their end' : complaint
}

interface Report {
  readonly success: boolean
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
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
async function testsIn({ folder }: Copy, suites: readonly string[], only?: string): Promise<Ran> {
  const file = path.join(folder, 'report.json')
  await rm(file, { force: true })
  const options = ['--bail=1', '--maxWorkers=1', '--reporter=json', `--outputFile=${file}`, ...(only ? ['-t', only] : [])]
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...suites.map(fileOf), ...options]
  const env = { ...process.env, LATCHKEY_SERVER: process.env['LATCHKEY_SERVER'] ?? 'openbao' }
  const began = performance.now()
  await new Promise<void>((resolve) =>
    execFile(process.execPath, args, { cwd: folder, env, timeout: PATIENCE_MS, maxBuffer: 64 << 20 }, () => resolve()),
  )
  const seconds = Math.round((performance.now() - began) / 1000)
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return { seconds }
  const report = JSON.parse(text) as Report
  const failed = report.testResults.flatMap(({ assertionResults }) => assertionResults).find(({ status }) => status === 'failed')
  const unready = report.success ? undefined : 'what the tests need did not start'
  return { seconds, ran: report.numPassedTests + report.numFailedTests, complaint: failed?.fullName ?? unready }
}

function fileOf(suite: string): string {
  const file = testFile(suite)
  if (!file) throw new Error(`no test is called ${suite}`)
  return path.relative(path.resolve(import.meta.dirname, '../..'), file)
}
