import type { GrantView } from '../../../src/contract/grants.ts'
import type { RequestView } from '../../../src/contract/requests.ts'
import { words } from '../words.ts'

export type Mood = 'good' | 'bad' | 'wait' | 'calm'

const GRANT_MOODS: Record<GrantView['state'], Mood> = {
  scheduled: 'wait',
  provisioning: 'wait',
  active: 'good',
  revoking: 'wait',
  stuck: 'bad',
  expired: 'calm',
  revoked: 'calm',
  failed: 'bad',
  written_off: 'bad',
}

const REQUEST_MOODS: Record<RequestView['state'], Mood> = {
  pending: 'wait',
  approved: 'good',
  rejected: 'bad',
  cancelled: 'calm',
  expired: 'calm',
}

export function GrantState({ state }: { readonly state: GrantView['state'] }) {
  return <Said mood={GRANT_MOODS[state]}>{words.grantStates[state]}</Said>
}

export function RequestState({ state }: { readonly state: RequestView['state'] }) {
  return <Said mood={REQUEST_MOODS[state]}>{words.requestStates[state]}</Said>
}

/** A word and a dot: the colour says nothing that the word does not. */
export function Said({ mood, children }: { readonly mood: Mood; readonly children: string }) {
  return (
    <span className="lk-state" data-mood={mood}>
      {children}
    </span>
  )
}
