import type { Scope } from '../../src/contract/identity.ts'
import type { Api } from './api.ts'
import type { Broker } from './broker.ts'
import { ownToken } from './own-token.ts'

export const ALL: Scope[] = ['read', 'request', 'approve', 'manage', 'audit']
export const HOUR = 3600
export const NOBODY = 'usr_00000000000000000000000000'

let count = 0
export const unique = (word: string) => `${word} ${++count}`

/** Somebody new with these roles, and a token of their own with these scopes. */
export async function person(
  { admin, api, database }: Pick<Broker, 'admin' | 'api' | 'database'>,
  roles: string[] = ['member'],
  scopes: Scope[] = ALL,
): Promise<{ id: string; name: string; tokenId: string; api: Api }> {
  const { id, name } = await admin.must(admin.post('/api/users', { name: unique('person'), roles: ['member'] }))
  const minted = await ownToken(database, id, scopes, 2 * HOUR)
  await admin.must(admin.patch(`/api/users/${id}`, { roles }))
  return { id, name, tokenId: minted.id, api: api(minted.token) }
}
