import type { Scope } from '../../src/contract/identity.ts'
import { mintToken } from '../../src/identity/mint-token.ts'

const DAY = 86_400

/** A token as somebody makes it for themselves, signed in: it never went through the hands of anybody else. */
export async function ownToken(
  { query }: { query(statement: string, values?: unknown[]): Promise<unknown> },
  userId: string,
  scopes: readonly string[],
  seconds = DAY,
): Promise<{ id: string; token: string }> {
  const wish = { userId, name: 'test', scopes: scopes as readonly Scope[], seconds, by: userId, makers: [userId] }
  const { token, kept } = await mintToken({ query } as unknown as Parameters<typeof mintToken>[0], wish)
  return { id: kept.id, token: token.reveal() }
}
