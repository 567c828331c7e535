import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'

export interface LeashOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** where its output goes: a file descriptor, or `pipe` to read it */
  readonly output?: number | 'pipe' | 'ignore'
  /** removed with the process, when we die before we could */
  readonly folder?: string
}

// The shell becomes the program, so the pid and the exit code are the program's own. The subshell waits on descriptor 3, whose other
// end is ours: a line means the program has ended, end of file means that we have, by whatever signal.
const SCRIPT = `(read -r line <&3 || { kill -9 $$; rm -rf \${LEASH_FOLDER:+"$LEASH_FOLDER"}; }) >/dev/null 2>&1 & exec "$@" 3<&-`

/** Starts a program that dies when this process does, SIGKILL included. It does not hear the terminal's Ctrl-C: we end it. */
export function spawnLeashed(command: string, args: readonly string[], options: LeashOptions = {}): ChildProcess {
  const output = options.output ?? 'ignore'
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'leash', command, ...args], {
    cwd: options.cwd,
    env: { ...(options.env ?? process.env), LEASH_FOLDER: options.folder ?? '' },
    stdio: ['ignore', output, output, 'pipe'],
    detached: true,
  })
  const leash = child.stdio[3] as Writable
  leash.on('error', () => {}) // the other end is gone when both die at once; nobody is left to tell
  child.once('exit', () => leash.end('ended\n'))
  return child
}

/** Resolves when the program has ended; at once when it already has. */
export function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => child.once('exit', () => resolve()))
}
