import type { ProposalView } from '../../../../src/contract/proposals.ts'
import { type Mood, Said } from '../../parts/state.tsx'
import { setup as words } from '../../words-for-setup.ts'

const MOODS: Record<ProposalView['state'], Mood> = {
  open: 'wait',
  accepted: 'wait',
  performed: 'good',
  failed: 'bad',
  declined: 'bad',
  withdrawn: 'calm',
  lapsed: 'calm',
}

export function ProposalState({ state }: Pick<ProposalView, 'state'>) {
  return <Said mood={MOODS[state]}>{words.proposals.states[state]}</Said>
}
