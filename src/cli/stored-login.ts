import { chmod, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { BrokerError } from '../sdk/index.ts'

/** Of somebody who signed in at the provider. */
const providerLogin = z.object({
  issuer: z.string(),
  clientId: z.string(),
  audience: z.string(),
  resource: z.string().nullish(),
  refreshToken: z.string(),
  accessToken: z.string(),
  /** of the access token, in milliseconds since 1970 */
  refreshedAt: z.number(),
})
export type ProviderLogin = z.infer<typeof providerLogin>

/** Of somebody who redeemed an enrolment code. */
const enrolled = z.object({ token: z.string(), tokenId: z.string() })
export type Enrolled = z.infer<typeof enrolled>

export type Login = ProviderLogin | Enrolled
const logins = z.record(z.string(), z.union([providerLogin, enrolled]))

export function isEnrolled(login: Login): login is Enrolled {
  return 'token' in login
}

const LOCK_PATIENCE_MS = 15_000
const LOCK_STALE_MS = 30_000

/** Where the logins of this user are kept: each under the URL of its broker, readable for nobody else. */
export function loginsFile(env: NodeJS.ProcessEnv): string {
  return path.join(env['XDG_CONFIG_HOME'] || path.join(env['HOME'] || homedir(), '.config'), 'latchkey', 'logins.json')
}

export async function readLogin(env: NodeJS.ProcessEnv, broker: string): Promise<Login | undefined> {
  return (await readAll(loginsFile(env)))[broker]
}

/** Changes one login while no other command does; undefined removes it. Answers what there is then. */
export async function changeLogin(
  env: NodeJS.ProcessEnv,
  broker: string,
  change: (before: Login | undefined) => Promise<Login | undefined>,
): Promise<Login | undefined> {
  const file = loginsFile(env)
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  const release = await lock(`${file}.lock`)
  try {
    const { [broker]: before, ...others } = await readAll(file)
    const after = await change(before)
    if (after === before) return after
    const draft = `${file}.${process.pid}`
    await writeFile(draft, JSON.stringify(after === undefined ? others : { ...others, [broker]: after }, null, 2), {
      mode: 0o600,
    })
    await chmod(draft, 0o600) // one that was left there may have been open
    await rename(draft, file)
    return after
  } finally {
    await release()
  }
}

async function readAll(file: string): Promise<Record<string, Login>> {
  const { mode } = await stat(file).catch(() => ({ mode: undefined }))
  if (mode === undefined) return {}
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new BrokerError('unavailable', `${file} is open to other users`, { fix: `chmod 600 ${file}, and sign in again` })
  }
  const read = logins.safeParse(parsed(await readFile(file, 'utf8')))
  if (read.success) return read.data
  throw new BrokerError('unavailable', `${file} does not hold logins of latchkey`, { fix: 'remove it, and sign in again' })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Two commands at once would spend one refresh token twice, which ends both. */
async function lock(file: string): Promise<() => Promise<void>> {
  for (const begun = performance.now(); performance.now() - begun < LOCK_PATIENCE_MS; ) {
    const handle = await open(file, 'wx', 0o600).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
      throw error
    })
    if (handle) {
      await handle.close()
      return () => rm(file, { force: true })
    }
    await dropStale(file)
    await wait(50)
  }
  throw new BrokerError('unavailable', `another latchkey command is using ${file}`, {
    fix: 'wait until it ends, or remove the file',
  })
}

async function dropStale(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  if (found && performance.timeOrigin + performance.now() - found.mtimeMs > LOCK_STALE_MS) await rm(file, { force: true })
}
