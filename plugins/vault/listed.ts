import { untilAborted, type VaultAnswer } from '../../vault/index.ts'
import type { VaultClient } from './client.ts'
import { isAbsent } from './send.ts'

/** What a list says of one name. */
export interface ListedLook {
  readonly answer: VaultAnswer
  /** `no entry`: the list was read and does not have it; `unread`: nobody can tell from this answer */
  readonly says: 'listed' | 'no entry' | 'unread'
}

interface Looks {
  running?: Promise<VaultAnswer>
  next?: Promise<VaultAnswer>
}

const looks = new WeakMap<VaultClient, Map<string, Looks>>()

/**
 * Looks a name up in the list it would stand in. Unlike a question about what is absent, a list that has anything in it is answered
 * with a body, and so with the server's own request id. Those who ask at once share a call, and none one that began before they asked.
 */
export async function lookInList(
  client: VaultClient,
  path: readonly string[],
  name: string,
  signal: AbortSignal,
): Promise<ListedLook> {
  const answer = await untilAborted(begunFromNow(client, path), signal)
  const { keys } = answer.data
  if (Array.isArray(keys)) return { answer, says: keys.includes(name) || keys.includes(`${name}/`) ? 'listed' : 'no entry' }
  return { answer, says: isAbsent(answer) ? 'no entry' : 'unread' }
}

function begunFromNow(client: VaultClient, path: readonly string[]): Promise<VaultAnswer> {
  const byPath = looks.get(client) ?? new Map<string, Looks>()
  looks.set(client, byPath)
  const key = path.join('/')
  const state = byPath.get(key) ?? {}
  byPath.set(key, state)
  const call = () => client.call({ method: 'GET', path, list: true, accept: [403, 404], repeatable: true, rank: 'ending' })
  const run = (): Promise<VaultAnswer> => {
    const mine = call().finally(() => {
      if (state.running === mine) state.running = undefined
    })
    state.running = mine
    return mine
  }
  if (!state.running) return run()
  state.next ??= state.running
    .catch(() => undefined)
    .then(() => {
      state.next = undefined
      return run()
    })
  return state.next
}
