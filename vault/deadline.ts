/** Runs `work` with a signal that ends it after `ms` or with `signal`, and leaves no timer or listener behind. */
export async function within<Result>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const ending = new AbortController()
  const timer = setTimeout(() => ending.abort(new DOMException(`${ms} ms are over`, 'TimeoutError')), ms)
  const leave = () => ending.abort(signal?.reason)
  if (signal?.aborted) leave()
  else signal?.addEventListener('abort', leave, { once: true })
  try {
    return await work(ending.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', leave)
  }
}
