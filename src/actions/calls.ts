import { type Look, storable } from '../sdk/index.ts'

/** A call of a step that may have changed something, as the journal keeps it: the target's own log has it under these ids. */
export interface Call extends Look {
  readonly to: 'do' | 'undo'
}

/** Of one try at a step. An action that makes more of them for one step is told of by the first and the last. */
const MOST = 32

/** In SQL of `action_steps s`, beside `m`: what is tried over and over adds no more once there are so many. */
export const WITH_CALLS = `case when m.calls is null or jsonb_array_length(coalesce(s.calls, '[]')) >= 64 then s.calls
  else coalesce(s.calls, '[]') || m.calls end`

/** Takes down what an action tells of its calls while it is at work. */
export class Calls {
  readonly #all: Call[] = []

  constructor(private readonly to: Call['to']) {}

  readonly noted = ({ asked, observed, requestId, requestIdBy, correlationId, at }: Look): void => {
    if (this.#all.length === MOST) this.#all.pop()
    this.#all.push({
      to: this.to,
      asked: storable(asked),
      observed: storable(observed),
      ...(requestId !== undefined && { requestId }),
      ...(requestIdBy !== undefined && { requestIdBy }),
      ...(correlationId !== undefined && { correlationId }),
      at,
    })
  }

  get all(): readonly Call[] {
    return [...this.#all]
  }
}

export type ShownCalls = ReturnType<typeof shownCalls>

/** As events and receipts tell of them. */
export function shownCalls(calls: readonly Call[]) {
  return calls.map(({ requestId, requestIdBy, correlationId, ...call }) => ({
    ...call,
    requestId: requestId ?? null,
    requestIdBy: requestIdBy ?? null,
    correlationId: correlationId ?? null,
  }))
}
