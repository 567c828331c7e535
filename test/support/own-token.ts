import type { Scope } from '../../src/contract/identity.ts'
import { mintToken } from '../../src/identity/tokens/mint-token.ts'

const DAY = 86_400

interface Queries {
  query(statement: string, values?: unknown[]): Promise<unknown>
}

/** A token as somebody makes it for themselves, signed in: it never went through the hands of anybody else. */
export function ownToken(database: Queries, userId: string, scopes: readonly string[], seconds = DAY) {
  return tokenThrough(database, userId, scopes, [userId], seconds)
}

/** A token of somebody's that went through these hands, by whatever road. */
export async function tokenThrough(
  { query }: Queries,
  userId: string,
  scopes: readonly string[],
  makers: readonly string[],
  seconds = DAY,
): Promise<{ id: string; token: string }> {
  const wish = { userId, name: 'test', scopes: scopes as readonly Scope[], seconds, by: makers[0] ?? userId, makers }
  const { token, kept } = await mintToken({ query } as unknown as Parameters<typeof mintToken>[0], wish)
  return { id: kept.id, token: token.reveal() }
}
