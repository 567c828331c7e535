import type { VaultServer } from '../dev/vault/vault-server.ts'
import { Caller } from './caller.ts'
import { atOnce } from './run.ts'

export interface Walked {
  readonly names: number
  readonly tookMs: number
}

/** What a script with a client library does: lists every folder below a mount, and the keys, so many calls at a time. */
export async function walk(vault: VaultServer, inFlight: number): Promise<Walked> {
  const caller = Caller.to(vault.address, { 'x-vault-token': vault.rootToken }, inFlight)
  const began = performance.now()
  const list = async (place: string): Promise<string[]> => (await caller.must('GET', `/v1/${place}?list=true`)).data.keys
  let names = (await list('transit/keys')).length
  let level = ['']
  while (level.length > 0) {
    const below: string[] = []
    await atOnce(level, inFlight, async (folder) => {
      for (const name of await list(`kv/metadata/${folder}`)) {
        if (name.endsWith('/')) below.push(folder + name)
        else names += 1
      }
    })
    level = below
  }
  const tookMs = performance.now() - began
  await caller.close()
  return { names, tookMs }
}

/** Reads the metadata of these secrets. */
export async function readTags(vault: VaultServer, names: readonly string[], inFlight: number): Promise<number> {
  const caller = Caller.to(vault.address, { 'x-vault-token': vault.rootToken }, inFlight)
  const began = performance.now()
  await atOnce(names, inFlight, (name) => caller.must('GET', `/v1/kv/metadata/${name}`))
  const tookMs = performance.now() - began
  await caller.close()
  return tookMs
}
