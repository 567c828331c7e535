import type { Json, Secret, Step, TargetIdentity } from '../sdk/index.ts'
import type { Call } from './calls.ts'
import type { RunState } from './run-machine.ts'

/** `executing` and `undoing` are committed before the call: after a crash they mean that it may have happened. */
export type StepState = 'planned' | 'executing' | 'executed' | 'undoing' | 'undone'

export interface JournaledStep extends Step {
  readonly position: number
  readonly state: StepState
  readonly record: Json | undefined
  /** what was done for it in the target, and what to undo it */
  readonly calls: readonly Call[]
}

/** Steps that confer power. Runs from before steps said so have none that says anything: there it is the last. */
export function powerOf(steps: readonly JournaledStep[]): readonly JournaledStep[] {
  return steps.some((step) => step.confersPower !== undefined) ? steps.filter((step) => step.confersPower) : steps.slice(-1)
}

/** A run as one process holds it. Every write compares the epoch: the later claim wins. */
export interface HeldRun {
  readonly id: string
  readonly epoch: string
  readonly state: RunState
  readonly integrationId: string
  readonly action: string
  readonly input: Json
  /** the whole input as JSON, while the run is not planned and where there is a secret in it */
  readonly sealedInput: Secret | undefined
  /** the system it was planned for, as that named itself; undefined for runs from before this was recorded */
  readonly target: TargetIdentity | undefined
  readonly steps: readonly JournaledStep[]
}

/** Whether a step in this state may have left something in the target. */
export function mayHaveHappened(step: JournaledStep): boolean {
  return step.state !== 'planned' && step.state !== 'undone'
}

/** What becomes of one step of one run, and what was done for it. */
export interface Mark {
  readonly run: string
  readonly position: number
  readonly record?: Json | undefined
  /** the try whose calls these are; absent with an intent */
  readonly try?: string
  readonly calls?: readonly Call[] | undefined
}
