import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { Agent } from 'undici'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Api } from './support/api.ts'

const root = path.resolve(import.meta.dirname, '..')
const agent = new Agent()
const running = new Set<ChildProcess>()
let dir: string

interface Daemon {
  readonly child: ChildProcess
  readonly url: string
  readonly api: (token?: string) => Api
}

beforeAll(async () => {
  await promisify(execFile)(process.execPath, ['scripts/build.mjs', '--if-stale'], { cwd: root })
  dir = await mkdtemp(path.join(tmpdir(), 'lk-daemon-'))
  await chmod(dir, 0o711) // as root the database runs as somebody else, who must get there
})
afterEach(async () => {
  for (const child of running) {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
})
afterAll(async () => {
  await agent.destroy()
  await rm(dir, { recursive: true, force: true })
})

const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  LATCHKEY_STATE_DIR: dir,
  LATCHKEY_PORT: '0',
  LATCHKEY_DEVELOPMENT: 'true',
  LATCHKEY_FSYNC: 'off',
  LATCHKEY_SHUTDOWN_SECONDS: '4',
  ...more,
})

async function startDaemon(more: NodeJS.ProcessEnv = {}): Promise<Daemon> {
  const child = spawn(process.execPath, ['dist/src/main.js'], {
    cwd: root,
    env: environment(more),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(said)))
    child.stderr!.on('data', (chunk) => {
      said += String(chunk)
      const found = /listens at (\S+)/.exec(said)?.[1]
      if (found) resolve(found)
    })
  })
  return { child, url, api: (token) => new Api(url, agent, token) }
}

async function bootstrap(...options: string[]): Promise<string> {
  // The system's own Node may be too old; the program copes.
  const { stdout } = await promisify(execFile)(process.execPath, ['bin/latchkey.mjs', 'bootstrap', ...options], {
    cwd: root,
    env: environment(),
  })
  return stdout.trim()
}

describe('the daemon', () => {
  it('starts from nothing, lets the first admin in beside it, stops when told, and remembers', async () => {
    const first = await startDaemon()
    const token = await bootstrap()
    expect((await first.api(token).get('/api/me')).body.roles).toContain('admin')
    first.child.kill('SIGTERM')
    expect(await once(first.child, 'exit')).toEqual([0, null])

    const recovered = await bootstrap('--force-new-token')
    const second = await startDaemon()
    expect((await second.api(token).get('/api/me')).status).toBe(200)
    expect((await second.api(recovered).get('/api/me')).status).toBe(200)
  })

  it('is not held back by a request that never ends', async () => {
    const { child, url } = await startDaemon()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write('POST /api/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
    await new Promise((resolve) => socket.write('"', resolve))
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
    socket.destroy()
  })

  it('says in one line why it cannot start', { timeout: 120_000 }, async () => {
    const { url } = await startDaemon()
    const other = startDaemon({ LATCHKEY_PORT: new URL(url).port, LATCHKEY_STATE_DIR: `${dir}/other` })
    await expect(other).rejects.toThrow(/(^|\n)listen EADDRINUSE[^\n]*\n$/)
    await expect(startDaemon()).rejects.toThrow('is using the database')
    await expect(startDaemon({ LATCHKEY_PORT: '-1' })).rejects.toThrow('LATCHKEY_PORT')
  })
})
