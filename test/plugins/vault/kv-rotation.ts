import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { ServerBinary } from '../../../dev/vault/vault-binary.ts'
import { rotateKvSecret } from '../../../plugins/vault/actions/rotate-kv-secret.ts'
import { done, type Fields, type KvWorld, kvWorld, planned, undone } from './kv-secrets.ts'
import { DB, made } from './rotation-values.ts'

export const CANARY = 'canary-Zm9yIG5vYm9keSdzIGV5ZXM'

/** Makes the secret that stories rotate, its second version current, and answers that. */
async function secretAgain(world: KvWorld): Promise<number> {
  await world.api('DELETE', 'kv/metadata/app/db')
  await world.write('app/db', { old: 'x' })
  return world.write('app/db', { user: 'app', password: CANARY, nested: { list: [1, 'two', null, true] } })
}

/**
 * A server for the tests of a block, and before each of them the secret that they rotate. `into` puts both where they find them; the answer
 * is what they do with it.
 */
export function rotationHere(binary: ServerBinary, into: (world: KvWorld, first: number) => void) {
  let world: KvWorld
  const there = () => world
  beforeAll(async () => {
    world = await kvWorld(binary)
  }, 120_000)
  afterAll(() => world?.stop())
  beforeEach(async () => into(world, await secretAgain(world)))

  const plan = (fields: Fields, place: object = DB) => planned(there(), rotateKvSecret, { ...place, fields })
  const rotated = async (fields: Fields = { password: made }) => done(rotateKvSecret, await plan(fields))
  const undo = (use: Awaited<ReturnType<typeof plan>>) => undone(rotateKvSecret, use)
  /** The same name and number of versions, and another secret. */
  const madeAgain = async (versions: number, fields: Record<string, unknown>) => {
    await there().api('DELETE', 'kv/metadata/app/db')
    for (let version = 1; version <= versions; version += 1) await there().write('app/db', fields)
  }
  const outlook = ({ ctx, steps }: Awaited<ReturnType<typeof plan>>) => rotateKvSecret.outlook!(ctx, steps)
  return { plan, rotated, undo, madeAgain, outlook }
}
