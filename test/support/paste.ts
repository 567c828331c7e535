import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { ServerBinary } from '../../dev/vault/vault-binary.ts'

export interface Pasted {
  readonly printed: string
  /** the arguments of every command that ran, as a list of processes would show them */
  readonly commands: string[]
}

const STALE = 'hvs.left-over-from-yesterday'

/** Left over in the environment of somebody who works with such servers daily; each would change what a command does. */
const LEFT_OVER = (prefix: string) => ({
  [`${prefix}_TOKEN`]: STALE,
  [`${prefix}_NAMESPACE`]: 'another-team',
  [`${prefix}_FORMAT`]: 'json',
  [`${prefix}_WRAP_TTL`]: '60s',
  [`${prefix}_ADDR`]: 'http://127.0.0.1:1',
})

/**
 * Pastes lines into a shell whose home and environment hold what yesterday left: an old token in each place a command line looks for one,
 * another namespace, another format. `files` are put into the folder it stands in. Rejects when a line fails.
 */
export async function paste(
  binary: ServerBinary,
  variables: Readonly<Record<string, string>>,
  lines: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<Pasted> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'latchkey-paste-'))
  try {
    const log = path.join(home, 'commands')
    await writeFile(log, '')
    const command = binary.product === 'vault' ? 'vault' : 'bao'
    for (const [name, place] of [[command, binary.path] as const, ['curl', '/usr/bin/curl'] as const]) {
      await writeFile(path.join(home, name), `#!/bin/sh\necho "${name} $*" >> ${log}\nexec ${place} "$@"\n`)
      await chmod(path.join(home, name), 0o755)
    }
    for (const [name, text] of Object.entries({ ...files, '.vault-token': STALE })) await writeFile(path.join(home, name), text)
    const env = { ...LEFT_OVER('VAULT'), ...LEFT_OVER('BAO'), ...variables, HOME: home, PATH: `${home}:/usr/bin:/bin` }
    const printed = await shell(lines, home, env)
    return { printed, commands: (await readFile(log, 'utf8')).trim().split('\n') }
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

function shell(lines: readonly string[], cwd: string, env: Record<string, string>): Promise<string> {
  const bash = spawn('bash', ['-eu'], { cwd, env, timeout: 25_000 })
  let printed = ''
  let complained = ''
  bash.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  bash.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()))
  bash.stdin.end(`set -o pipefail\n${lines.join('\n')}\n`)
  return new Promise((resolve, reject) =>
    bash.once('close', (code) =>
      code === 0 ? resolve(printed) : reject(new Error(`the shell ended with ${code}: ${complained}\n${lines.join('\n')}`)),
    ),
  )
}
