import { useState } from 'react'

/**
 * What somebody is typing, kept for this tab until it is sent: it survives signing in again and loading the page again. Only for what is no
 * secret.
 */
export function useDraft<Draft extends object>(
  key: string,
  begin: () => Draft,
): [Draft, (change: Partial<Draft>) => void, () => void] {
  const place = `draft:${key}`
  const [draft, setDraft] = useState<Draft>(() => ({ ...begin(), ...kept<Draft>(place) }))
  const change = (difference: Partial<Draft>): void => {
    setDraft((former) => {
      const now = { ...former, ...difference }
      window.sessionStorage.setItem(place, JSON.stringify(now))
      return now
    })
  }
  return [draft, change, () => window.sessionStorage.removeItem(place)]
}

function kept<Draft>(place: string): Partial<Draft> {
  try {
    return JSON.parse(window.sessionStorage.getItem(place) ?? '{}') as Partial<Draft>
  } catch {
    return {}
  }
}
