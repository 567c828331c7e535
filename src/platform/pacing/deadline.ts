import { BrokerError } from '../../sdk/index.ts'

/** A signal for a call to a target: aborts after the time, with a reason that is told and tried again like any other silence. */
export function deadline(milliseconds: number): AbortSignal {
  const ending = new AbortController()
  const reason = new BrokerError('target.timeout', `no answer within ${Math.round(milliseconds / 1000)} seconds`)
  setTimeout(() => ending.abort(reason), milliseconds).unref()
  return ending.signal
}
