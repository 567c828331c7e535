import type { DistributionView, PartState } from '../../../../src/contract/distributions.ts'
import { type Mood, Said } from '../../parts/state.tsx'
import { work as words } from '../../words-for-work.ts'

const MOODS: Record<DistributionView['state'], Mood> = {
  running: 'wait',
  done: 'good',
  partial: 'bad',
  failed: 'bad',
  rolled_back: 'calm',
  rollback_refused: 'bad',
}

const PART_MOODS: Record<PartState, Mood> = {
  queued: 'calm',
  running: 'wait',
  written: 'wait',
  verified: 'good',
  failed: 'bad',
  rolling_back: 'wait',
  rolled_back: 'calm',
  refused: 'bad',
  stuck: 'bad',
}

export function DistributionState({ state }: { readonly state: DistributionView['state'] }) {
  return <Said mood={MOODS[state]}>{words.distributions.states[state]}</Said>
}

export function TargetState({ state }: { readonly state: PartState }) {
  return <Said mood={PART_MOODS[state]}>{words.distributions.parts[state]}</Said>
}
