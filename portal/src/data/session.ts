import { useSyncExternalStore } from 'react'
import { refusalOf } from './api.ts'

let ended = false
const listeners = new Set<() => void>()

/** Remembers when the broker says that nobody is signed in any more, whatever was being done. */
export function noteAnswer(error: unknown): void {
  tell(error === undefined ? false : refusalOf(error).kind === 'signed-out' || ended)
}

export function useSessionEnded(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => ended,
  )
}

/** Where signing in leads: to the provider, and back to this very page. */
export function signInAddress(): string {
  const { pathname, search } = window.location
  return `/auth/login?return=${encodeURIComponent(pathname + search)}`
}

function tell(now: boolean): void {
  if (now === ended) return
  ended = now
  for (const listener of listeners) listener()
}
