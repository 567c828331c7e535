import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Runs a module's source in a process of its own, as if it stood in test/; what it prints to standard output comes line by line. */
export function runSource(
  source: string,
  env: NodeJS.ProcessEnv = process.env,
): { child: ChildProcess; firstLine: Promise<string> } {
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    cwd: import.meta.dirname,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const firstLine = once(createInterface({ input: child.stdout }), 'line').then(([line]) => line as string)
  return { child, firstLine }
}

/** A process's state as `ps` shows it: `T` is stopped; empty when there is none, or only its unread exit code. */
export function processState(pid: number): string {
  try {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return state.startsWith('Z') ? '' : state
  } catch {
    return '' // ps exits with 1 when there is no such process
  }
}

export const isAlive = (pid: number) => processState(pid) !== ''
