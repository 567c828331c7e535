import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { me } from '../data/queries.ts'

const DRAFTS = 'draft:'

/**
 * What somebody is typing, kept for this person and this tab until it is sent: it survives signing in again and loading the page again. Only
 * for what is no secret; `kept` leaves out what is one.
 */
export function useDraft<Draft extends object>(
  key: string,
  begin: () => Draft,
  kept: (draft: Draft) => Draft = (draft) => draft,
): [Draft, (change: Partial<Draft>) => void, () => void] {
  const { data: self } = useQuery(me())
  const place = `${DRAFTS}${self?.id}:${key}`
  const [draft, setDraft] = useState<Draft>(() => ({ ...begin(), ...stored<Draft>(place) }))
  const change = (difference: Partial<Draft>): void => {
    setDraft((former) => {
      const now = { ...former, ...difference }
      window.sessionStorage.setItem(place, JSON.stringify(kept(now)))
      return now
    })
  }
  return [draft, change, () => window.sessionStorage.removeItem(place)]
}

/** For somebody who signs out. */
export function forgetDrafts(): void {
  for (const place of Object.keys(window.sessionStorage)) {
    if (place.startsWith(DRAFTS)) window.sessionStorage.removeItem(place)
  }
}

function stored<Draft>(place: string): Partial<Draft> {
  try {
    return JSON.parse(window.sessionStorage.getItem(place) ?? '{}') as Partial<Draft>
  } catch {
    return {}
  }
}
