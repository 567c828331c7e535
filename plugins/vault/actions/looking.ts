import type { Evidence } from '../../../src/sdk/index.ts'
import type { VaultAnswer, VaultClient } from '../client/client.ts'
import { evidenceOf, saidOf } from '../evidence.ts'
import { lookInList } from '../listed.ts'
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
  { client, signal, audited }: Looking,
  artefact: string,
  asked: VaultAnswer,
  list: readonly string[],
  name: string,
): Promise<Evidence> {
  if (!isAbsent(asked)) return evidenceOf(artefact, false, saidOf(asked, false), asked, audited)
  const { answer, says } = await lookInList(client, list, name, signal)
  switch (says) {
    case 'unread':
      return evidenceOf(artefact, true, saidOf(asked, true), asked, audited)
    case 'listed':
      return evidenceOf(artefact, false, `${asked.status}, but still in the list`, answer, audited)
    case 'no entry':
      return evidenceOf(artefact, true, saidOf(asked, true), answer, audited)
  }
}
