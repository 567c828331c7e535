import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { ServerBinary } from '../dev/vault/vault-binary.ts'
import { cacheFolder } from '../dev/vault/vault-build.ts'
import { startVaultServer, type VaultServer } from '../dev/vault/vault-server.ts'
import { waitFor } from '../dev/vault/vault-wait.ts'
import { Caller } from './caller.ts'
import { atOnce, numbered, say } from './run.ts'

export const FOLDERS = 100
export const KEYS = 500
const TAGGED_ONE_IN = 10

/**
 * A server that holds so many secrets in a hundred folders, every tenth of them tagged, and five hundred keys. Storing them takes longer
 * than a bench, so what was stored is kept in the cache, and the server works on a copy.
 */
export async function startFilledVault(binary: ServerBinary, secrets: number): Promise<VaultServer> {
  const kept = path.join(cacheFolder(), 'bench', `${binary.product}-${binary.version}-${secrets}`)
  if (!existsSync(kept)) await fill(binary, kept, secrets)
  const dir = await mkdtemp(path.join(os.tmpdir(), 'latchkey-bench-vault-'))
  await cp(kept, dir, { recursive: true })
  const server = await startVaultServer({ binary, dir })
  return {
    ...server,
    stop: async () => {
      await server.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function fill(binary: ServerBinary, kept: string, secrets: number): Promise<void> {
  say(`storing ${secrets} secrets once, to be kept in ${kept}`)
  await mkdir(path.dirname(kept), { recursive: true })
  const draft = await mkdtemp(`${kept}-`)
  try {
    const server = await startVaultServer({ binary, dir: draft, audit: false })
    const caller = Caller.to(server.address, { 'x-vault-token': server.rootToken })
    await caller.must('POST', '/v1/sys/mounts/kv', { type: 'kv', options: { version: '2' } })
    await caller.must('POST', '/v1/sys/mounts/transit', { type: 'transit' })
    await waitFor('kv to be ready', async () => (await caller.send('GET', '/v1/kv/config')).status === 200)
    await atOnce(numbered(secrets), 64, async (index) => {
      const name = `folder-${index % FOLDERS}/secret-number-${index}`
      await caller.must('POST', `/v1/kv/data/${name}`, { data: { value: 'orange' } })
      if (index % TAGGED_ONE_IN === 0) {
        await caller.must('POST', `/v1/kv/metadata/${name}`, { custom_metadata: { team: `team-${index % 7}`, env: 'test' } })
      }
    })
    await atOnce(numbered(KEYS), 16, (index) => caller.must('POST', `/v1/transit/keys/key-${index}`, {}))
    await caller.close()
    await server.stop()
    await rename(draft, kept)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}
