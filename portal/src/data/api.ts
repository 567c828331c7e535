import { ApiClient, BrokerError } from '../../../src/api-client/api-client.ts'
import { words } from '../words.ts'

/** The broker's API, for the person who is signed in in this browser: the cookie goes along by itself. */
export const api = new ApiClient('')

/** What went wrong, as a person is told it. */
export interface Refusal {
  readonly message: string
  readonly fix: string | undefined
  readonly requestId: string | undefined
  readonly field: string | undefined
  readonly kind: 'signed-out' | 'offline' | 'missing' | 'refused'
}

export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof BrokerError)) {
    return { message: words.failed.unknown, fix: words.failed.reload, requestId: undefined, field: undefined, kind: 'refused' }
  }
  const { message, fix, requestId, field, code } = error
  if (code === 'auth.required') {
    return { message: words.session.ended, fix: words.session.signInAgain, requestId, field, kind: 'signed-out' }
  }
  // Without a request id nobody answered as a broker does: the network, or a daemon that is being restarted.
  if (code === 'unavailable' && requestId === undefined) {
    return { message: words.failed.offline, fix: words.failed.offlineFix, requestId, field, kind: 'offline' }
  }
  return {
    message: sentence(message),
    fix: fix && sentence(fix),
    requestId,
    field,
    kind: code === 'not_found' ? 'missing' : 'refused',
  }
}

/** The broker's messages go on after a colon; here each stands alone. */
function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}
