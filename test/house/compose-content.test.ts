import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { bash } from '../support/shell.ts'

const file = readFileSync(path.join(import.meta.dirname, '../../docker-compose.yml'), 'utf8')
// Compose writes two dollars for one.
const part = file.slice(file.indexOf('  openbao-content:'), file.indexOf('  vault:\n')).replaceAll('$$', '$')
const script = part.slice(part.indexOf('      - |\n') + 9, part.indexOf('    healthcheck:')).replaceAll(/^ {8}/gm, '')
const manual = readFileSync(path.join(import.meta.dirname, '../../docs/operations.md'), 'utf8')
const toPaste = /### To try it, with Docker\n[\s\S]*?^```sh\n([\s\S]*?)^```$/m.exec(manual)![1]!
/** `docker compose exec` on a machine without Docker: the command itself, in the environment that the service has. */
const DOCKER = `#!/bin/sh
[ "$1 $2 $3" = "compose exec -T" ] || exit 99
shift 3
if [ "$1" = -e ]; then export "$2"; shift 2; fi
service="$1"
shift
[ "$service" = latchkey ] || [ "$service" = openbao ] || exit 98
exec "$@"
`
const isReady: string = JSON.parse(/test: (\[.*\])/.exec(part)![1]!)[1]

describe.each(await serversUnderTest())('what docker-compose.yml puts into $product', (binary) => {
  let server: VaultServer
  let daemon: Daemon
  let home: string
  beforeAll(async () => {
    server = await startVaultServer({ binary, mode: 'dev' })
    daemon = await startDaemon()
    // As on the first day: nobody has a token yet.
    await daemon.database.query('update api_tokens set revoked_at = now()')
    home = await mkdtemp(path.join(os.tmpdir(), 'lk-compose-'))
  }, 120_000)
  afterAll(async () => {
    await daemon?.close()
    await server?.stop()
    if (home) await rm(home, { recursive: true, force: true })
  })

  it('is ready once all of it is there, and is there again when the server was emptied', async () => {
    const at = {
      VAULT_ADDR: server.address,
      BAO_ADDR: server.address,
      VAULT_TOKEN: server.rootToken,
      BAO_TOKEN: server.rootToken,
    }
    const env = { ...process.env, ...at, CLI: binary.path }
    const ready = () => {
      try {
        return execFileSync('/bin/sh', ['-c', isReady], { env, stdio: 'pipe' }).length > 0
      } catch {
        return false
      }
    }
    const secrets = async () => {
      const read = async (name: string) => (await server.api('GET', `kv/data/${name}`)).body.data
      const [stripe, shop] = [await read('payments/stripe'), await read('shop/database')]
      return [stripe.data, stripe.metadata.custom_metadata, shop.data, shop.metadata.custom_metadata]
    }
    const all = [{ api_key: 'sk_test_0001' }, { team: 'payments' }, { username: 'shop', password: 'aster' }, { team: 'shop' }]
    expect(ready()).toBe(false)
    const filling = spawn('/bin/sh', ['-euc', script], { env, stdio: 'ignore' })
    try {
      await vi.waitFor(() => expect(ready()).toBe(true), { timeout: 60_000, interval: 200 })
      expect(await secrets()).toEqual(all)
      for (const engine of ['kv', 'transit']) await server.api('DELETE', `sys/mounts/${engine}`)
      await vi.waitFor(() => expect(ready()).toBe(true), { timeout: 60_000, interval: 200 })
      expect(await secrets()).toEqual(all)
      expect(filling.exitCode).toBe(null)
    } finally {
      filling.kill('SIGKILL')
    }
  })

  it('is found by a broker once the lines of the manual are pasted', async () => {
    await writeFile(path.join(home, 'docker'), DOCKER, { mode: 0o755 })
    await symlink(binary.path, path.join(home, 'bao'))
    await symlink(path.join(import.meta.dirname, '../../bin/latchkey.mjs'), path.join(home, 'latchkey'))
    const lines = toPaste.replaceAll('http://openbao:8200', server.address)
    expect(lines).not.toBe(toPaste)
    const { code, said } = await bash(`cd '${home}'\nset -eu -o pipefail\n${lines}`, {
      ...daemon.env,
      HOME: home,
      PATH: [home, path.dirname(process.execPath), process.env['PATH']].join(':'),
      LATCHKEY_CLI_URL: daemon.url,
      VAULT_TOKEN: server.rootToken,
      BAO_TOKEN: server.rootToken,
    })
    expect(code, said).toBe(0)
    expect(said).toContain('kv/payments/stripe')
  }, 120_000)
})
