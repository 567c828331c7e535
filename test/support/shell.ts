import { spawn } from 'node:child_process'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '../..')

/** Pastes a script into a shell, in the folder of the checkout, and answers what all of it said. */
export function bash(script: string, env: NodeJS.ProcessEnv, cwd = root): Promise<{ code: number | null; said: string }> {
  const shell = spawn('bash', ['-s'], { cwd, env, timeout: 110_000 })
  let said = ''
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  shell.stdin.end(script)
  return new Promise((resolve) => shell.once('close', (code) => resolve({ code, said })))
}
