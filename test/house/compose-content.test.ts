import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'

const file = readFileSync(path.join(import.meta.dirname, '../../docker-compose.yml'), 'utf8')
// Compose writes two dollars for one.
const part = file.slice(file.indexOf('  openbao-content:'), file.indexOf('  vault:\n')).replaceAll('$$', '$')
const script = part.slice(part.indexOf('      - |\n') + 9, part.indexOf('    healthcheck:')).replaceAll(/^ {8}/gm, '')
const isReady: string = JSON.parse(/test: (\[.*\])/.exec(part)![1]!)[1]

describe.each(await serversUnderTest())('what docker-compose.yml puts into $product', (binary) => {
  let server: VaultServer
  beforeAll(async () => {
    server = await startVaultServer({ binary, mode: 'dev' })
  })
  afterAll(() => server?.stop())

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
})
