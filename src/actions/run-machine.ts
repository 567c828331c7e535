import { machine } from '../platform/machine.ts'

export type RunState = 'pending' | 'executing' | 'executed' | 'undoing' | 'undone' | 'failed' | 'stuck'
export type RunEvent = 'plan' | 'finish' | 'undo' | 'settle' | 'give_up' | 'overdue' | 'refuse' | 'take_back'

export const runMachine = machine<RunState, RunEvent>({
  pending: { plan: 'executing', undo: 'undoing', give_up: 'failed' },
  executing: { finish: 'executed', undo: 'undoing', give_up: 'failed' },
  executed: { undo: 'undoing' },
  // Refused: the target is not as the run left it, and nothing of it was undone.
  undoing: { settle: 'undone', overdue: 'stuck', give_up: 'failed', refuse: 'executed' },
  stuck: { settle: 'undone', give_up: 'failed', refuse: 'executed' },
  undone: {},
  // Only while something of it may be in the target.
  failed: { take_back: 'undoing' },
})
