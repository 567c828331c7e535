import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'

const root = path.resolve(import.meta.dirname, '../..')

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

  it('can be pasted from its second block to its last, and ends with the proof that the access is gone', async () => {
    const page = await readFile(path.join(root, 'docs/getting-started.md'), 'utf8')
    const [first, ...blocks] = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
    expect(first).toContain('npm start')
    expect(blocks.length).toBeGreaterThan(8)
    for (const name of ['vault', 'bao']) await symlink(binary.path, path.join(home, name))
    const { code, said } = await bash(['set -eu -o pipefail', ...blocks].join('\n'), {
      ...daemon.env,
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
})

function bash(script: string, env: NodeJS.ProcessEnv): Promise<{ code: number | null; said: string }> {
  const shell = spawn('bash', ['-s'], { cwd: root, env, timeout: 110_000 })
  let said = ''
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  shell.stdin.end(script)
  return new Promise((resolve) => shell.once('close', (code) => resolve({ code, said })))
}
