import type { VaultConnection } from '../connection.ts'

/** The server is slow at this and OpenBao takes at most 1000 strings in a request. */
const BATCH = 500

/** What the broker's token may do on each path; `deny` is nothing, `root` is everything. */
export async function capabilitiesOf(
  client: VaultConnection,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, readonly string[]>> {
  const held = new Map<string, readonly string[]>()
  for (let from = 0; from < paths.length; from += BATCH) {
    const batch = paths.slice(from, from + BATCH)
    const { data } = await client.call({
      method: 'POST',
      path: ['sys/capabilities-self'],
      body: { paths: batch },
      repeatable: true,
      signal,
    })
    for (const path of batch) {
      const rights = data[path]
      held.set(path, Array.isArray(rights) ? rights.map(String).filter((right) => right !== 'deny') : [])
    }
  }
  return held
}
