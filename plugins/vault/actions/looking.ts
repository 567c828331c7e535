import type { Evidence } from '../../../src/sdk/index.ts'
import type { VaultAnswer, VaultCall } from '../../../vault/index.ts'
import type { VaultClient } from '../client.ts'
import { evidenceOf, lookOf, saidOf } from '../evidence.ts'
import { type ListedLook, lookInList } from '../listed.ts'
import { isAbsent, type Send } from '../send.ts'

/** What a look at a grant's pieces needs. */
export interface Looking {
  readonly client: VaultClient
  readonly signal: AbortSignal
  readonly send: Send
  readonly audited: boolean | undefined
}

/**
 * A piece that was asked for and not there is looked up once more in the list it would stand in: an answer with a body bears the
 * server's own request id. A list that cannot be read takes nothing from the first answer.
 */
export async function lastLook(
  { client, signal, send, audited }: Looking,
  artefact: string,
  call: VaultCall,
  list: readonly string[],
  name: string,
): Promise<Evidence> {
  const asked = await send(call)
  const isGone = isAbsent(asked)
  const first = lookOf(call, asked, saidOf(asked, isGone))
  if (!isGone) return evidenceOf(artefact, false, first, { audited })
  const listed = await lookInList(client, list, name, signal)
  const second = lookOf({ method: 'GET', path: list, list: true }, listed.answer, listSaid(listed))
  const decisive = listed.says === 'unread' ? first : second
  return evidenceOf(artefact, listed.says !== 'listed', decisive, { looks: [first, second], audited })
}

function listSaid({ answer, says }: ListedLook): string {
  return `${answer.status}, ${says === 'no entry' ? emptyOrWithout(answer) : LIST_SAYS[says]}`
}

const LIST_SAYS = { listed: 'still in the list', unread: 'the list cannot be read' } as const

function emptyOrWithout(answer: VaultAnswer): string {
  return isAbsent(answer) ? 'the list is empty' : 'not in the list'
}
