import { rotateKvSecret } from '../../../plugins/vault/actions/rotate-kv-secret.ts'
import { done, type Fields, type KvWorld, planned, undone } from './kv-secrets.ts'
import { DB, made } from './rotation-values.ts'

export const CANARY = 'canary-Zm9yIG5vYm9keSdzIGV5ZXM'

/** Makes the secret that stories rotate, its second version current, and answers that. */
export async function secretAgain(world: KvWorld): Promise<number> {
  await world.api('DELETE', 'kv/metadata/app/db')
  await world.write('app/db', { old: 'x' })
  return world.write('app/db', { user: 'app', password: CANARY, nested: { list: [1, 'two', null, true] } })
}

/** What stories do with that secret, in a world that is there once they begin. */
export function rotationIn(there: () => KvWorld) {
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
