import { BrokerError } from '../../sdk/index.ts'

/**
 * Does something that takes a signal, and stops waiting for it after a time or when told to. What does not listen to its signal is
 * left behind: a plugin that hangs holds nobody else up.
 */
export async function within<T>(
  milliseconds: number,
  stop: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController()
  const end = (reason: unknown) => ending.abort(reason)
  const timer = setTimeout(
    () => end(new BrokerError('target.timeout', `no answer within ${Math.round(milliseconds / 1000)} seconds`)),
    milliseconds,
  )
  const onStop = () => end(stop?.reason)
  stop?.addEventListener('abort', onStop, { once: true })
  if (stop?.aborted) onStop()
  try {
    return await Promise.race([
      work(ending.signal),
      new Promise<never>((_resolve, reject) => {
        if (ending.signal.aborted) reject(ending.signal.reason)
        ending.signal.addEventListener('abort', () => reject(ending.signal.reason), { once: true })
      }),
    ])
  } finally {
    clearTimeout(timer)
    stop?.removeEventListener('abort', onStop)
  }
}
