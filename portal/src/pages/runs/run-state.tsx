import type { RunView } from '../../../../src/contract/runs.ts'
import { type Mood, Said } from '../../parts/state.tsx'
import { work as words } from '../../words-for-work.ts'

const MOODS: Record<RunView['state'], Mood> = {
  pending: 'wait',
  executing: 'wait',
  executed: 'good',
  undoing: 'wait',
  undone: 'calm',
  failed: 'bad',
  stuck: 'bad',
}

export function RunState({ state }: { readonly state: RunView['state'] }) {
  return <Said mood={MOODS[state]}>{words.runStates[state]}</Said>
}
