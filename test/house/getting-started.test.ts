import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../dev/vault/free-port.ts'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { freshDatabase } from '../support/database.ts'
import { bash } from '../support/shell.ts'

const root = path.resolve(import.meta.dirname, '../..')

// What somebody has in their shell who works with other servers: each of it would lead a command astray.
const LEFT_OVER = Object.fromEntries(
  Object.entries({ NAMESPACE: 'of-long-ago', FORMAT: 'json', WRAP_TTL: '5m', AGENT_ADDR: 'http://127.0.0.1:1' }).flatMap(
    ([name, value]) => [`VAULT_${name}`, `BAO_${name}`].map((variable) => [variable, value]),
  ),
)
const OTHER_SERVER = { ...LEFT_OVER, BAO_ADDR: 'http://127.0.0.1:1', BAO_TOKEN: 'of-long-ago' }

async function blocks(): Promise<[string, ...string[]]> {
  const page = await readFile(path.join(root, 'docs/getting-started.md'), 'utf8')
  const [first = '', ...others] = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
  expect(first).toContain('npm start')
  expect(others.length).toBeGreaterThan(8)
  return [first, ...others]
}

describe.each(await serversUnderTest())('docs/getting-started.md, on $product $version,', (binary) => {
  let vault: VaultServer
  let daemon: Daemon
  let home: string
  beforeAll(async () => {
    vault = await startVaultServer({ binary, mode: 'dev' })
    daemon = await startDaemon()
    // As on the first day: nobody has a token yet.
    await daemon.database.query('update api_tokens set revoked_at = now()')
    home = await mkdtemp(path.join(os.tmpdir(), 'lk-start-'))
  }, 120_000)
  afterAll(async () => {
    await daemon?.close()
    await vault?.stop()
    if (home) await rm(home, { recursive: true, force: true })
  })

  it('can be pasted from its second block to its last, whatever else lies about in the shell, and ends with the proof that the access is gone', async () => {
    const [, ...others] = await blocks()
    for (const name of ['vault', 'bao']) await symlink(binary.path, path.join(home, name))
    const { code, said } = await bash(['set -eu -o pipefail', ...others].join('\n'), {
      ...daemon.env,
      ...OTHER_SERVER,
      HOME: home,
      PATH: [home, path.dirname(process.execPath), process.env['PATH']].join(':'),
      LATCHKEY_CLI_URL: daemon.url,
      VAULT_ADDR: vault.address,
      VAULT_TOKEN: vault.rootToken,
    })
    expect(code, said).toBe(0)
    expect(said).toContain('sk_test_0001')
    expect(said).toMatch(/policy apono-g-\S+ +yes/)
    expect(said.trimEnd().endsWith('the token is dead')).toBe(true)
  }, 120_000)

  it('waits for nothing for ever, and says what it gave up', async () => {
    const all = (await blocks()).join('')
    expect(all.match(/^ *(until|while) /gm)).toBeNull()
    const [patiently] = /^patiently\(\) \{\n[\s\S]*?^\}\n/m.exec(all) ?? []
    const [store] = /^patiently vault kv put .*$/m.exec(all) ?? []
    const { code, said } = await bash(`set -eu\nsleep() { :; }\n${patiently}vault() { false; }\n${store}\necho WENT ON`, {})
    expect(code, said).not.toBe(0)
    expect(said).toMatch(/^gave up after a minute: vault kv put .*\n$/)
  }, 120_000)
})

describe('the first block of docs/getting-started.md', () => {
  let daemon: Daemon
  let dir: string
  beforeAll(async () => {
    daemon = await startDaemon()
    dir = await mkdtemp(path.join(os.tmpdir(), 'lk-first-'))
    // The dependencies are here, and what a checkout builds is built.
    const npm = `#!/bin/sh\n[ "$1" = start ] || exit 0\nexec node '${path.join(root, 'dist/src/main.js')}'\n`
    await writeFile(path.join(dir, 'npm'), npm, { mode: 0o755 })
  }, 120_000)
  afterAll(async () => {
    await daemon?.close()
    if (dir) await rm(dir, { recursive: true, force: true })
  })

  async function pasted(env: NodeJS.ProcessEnv, ...afterwards: string[]) {
    const [first] = await blocks()
    const paths = [dir, path.dirname(process.execPath), process.env['PATH']].join(':')
    return bash(
      ['set -eu -o pipefail', first, ...afterwards].join('\n'),
      { ...daemon.env, LATCHKEY_STATE_DIR: path.join(dir, 'state'), HOME: dir, PATH: paths, ...env },
      dir,
    )
  }

  it('goes on when its own daemon listens', async () => {
    const database = await freshDatabase()
    const port = String(await freePort())
    const stop = ['echo "at $LATCHKEY_CLI_URL"', 'kill "$!"', 'wait "$!" || true']
    const { code, said } = await pasted(
      { LATCHKEY_PORT: port, DATABASE_URL: database.url, LATCHKEY_CLI_URL: 'http://elsewhere.example' },
      ...stop,
    )
    expect(code, said).toBe(0)
    expect(said).toContain(`at http://127.0.0.1:${port}`)
    await database.drop()
  }, 120_000)

  it.each([
    ['another process’s daemon has its port', {}, 'EADDRINUSE'],
    ['a variable of its own is wrong', { LATCHKEY_SHUTDOWN_SECONDS: 'soon' }, 'LATCHKEY_SHUTDOWN_SECONDS'],
  ])(
    'does not go on when %s',
    async (_, env, why) => {
      const { code, said } = await pasted(env, 'echo WENT ON')
      expect(code, said).not.toBe(0)
      expect(said).toContain(why)
      expect(said).toContain('Latchkey did not start')
      expect(said).not.toContain('WENT ON')
    },
    120_000,
  )
})
