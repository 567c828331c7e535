import type { TurnState } from '../contract/rotations.ts'
import { machine } from '../platform/machine.ts'

export type TurnEvent = 'test' | 'finish' | 'take_back' | 'gone' | 'fail' | 'mark'

export const turnMachine = machine<TurnState, TurnEvent, 'waiting' | 'running' | 'refused'>({
  waiting: { mark: 'done' },
  running: { test: 'testing', finish: 'finished', take_back: 'undoing', gone: 'undone', fail: 'failed' },
  testing: { finish: 'finished', take_back: 'undoing', gone: 'undone', fail: 'failed' },
  undoing: { gone: 'undone', fail: 'failed' },
  done: {},
  finished: {},
  undone: {},
  failed: {},
  refused: {},
})
