import { ApiClient, ApiRefusal, BrokerError } from '../../../src/api-client/api-client.ts'
import { words } from '../words.ts'

/** The broker's API, for the person who is signed in in this browser: the cookie goes along by itself. */
export const api = new ApiClient('')

/** All of a list, however long. */
export async function gathered<Item>(each: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const one of each) found.push(one)
  return found
}

/** What went wrong, as a person is told it. */
export interface Refusal {
  readonly message: string
  readonly fix: string | undefined
  readonly requestId: string | undefined
  readonly field: string | undefined
  /** of each field that is wrong, what of it */
  readonly flaws: readonly { readonly field: string; readonly message: string }[]
  readonly kind: 'signed-out' | 'offline' | 'missing' | 'refused'
}

export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof BrokerError)) {
    const unsaid = { requestId: undefined, field: undefined, flaws: [] }
    return { message: words.failed.unknown, fix: words.failed.reload, ...unsaid, kind: 'refused' }
  }
  const { message, fix, requestId, field, code } = error
  const flaws = error instanceof ApiRefusal ? error.issues.map((one) => ({ ...one, message: sentence(one.message) })) : []
  if (code === 'auth.required') {
    return { message: words.session.ended, fix: words.session.signInAgain, requestId, field, flaws, kind: 'signed-out' }
  }
  // Without a request id nobody answered as a broker does: the network, or a daemon that is being restarted.
  if (code === 'unavailable' && requestId === undefined) {
    return { message: words.failed.offline, fix: words.failed.offlineFix, requestId, field, flaws, kind: 'offline' }
  }
  return {
    // Where it begins with the name of a field, that is as it is.
    message: field !== undefined && message.startsWith(`${field} `) ? message : sentence(message),
    fix: fix && sentence(fix),
    requestId,
    field,
    flaws,
    kind: code === 'not_found' ? 'missing' : 'refused',
  }
}

/** The broker's messages go on after a colon; here each stands alone. */
function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}
