import { type Look, storable } from '../sdk/index.ts'

/** A call of a step that may have changed something, as the journal keeps it: the target's own log has it under these ids. */
export interface Call extends Look {
  readonly to: 'do' | 'undo'
  /** kept with the intent, and nobody has kept yet what came of it */
  readonly isOpen?: true
}

/** One try at a step. No other has its id: who takes a run over counts its epoch on. */
export function tryAt(run: { readonly id: string; readonly epoch: string }, { position }: { readonly position: number }): string {
  return `${run.id}.${run.epoch}.${position}`
}

/** Kept with the intent of a try, until its calls are kept. Where the process dies before that, it is what the journal knows of them. */
export function openCall(to: Call['to'], one: string, target: string): Call {
  const id = `${one}.1`
  const observed = 'it is not known whether it was sent, and what was answered; more calls of this step count on from this id'
  const at = new Date().toISOString()
  return { to, asked: target, observed, requestId: id, requestIdBy: 'broker', correlationId: id, at, isOpen: true }
}

/** Of one try at a step. An action that makes more of them for one step is told of by the first and the last. */
const MOST = 32

/** In SQL of `action_steps s`, beside `m`, in the place of what was open of that try. What is tried over and over adds no more once there are so many. */
export const WITH_CALLS = `case when m.calls is null then s.calls else (
  select case when jsonb_array_length(kept.calls) >= 64 then kept.calls else kept.calls || m.calls end
  from (select coalesce(jsonb_agg(c order by n) filter (
            where c -> 'isOpen' is null or c ->> 'correlationId' is distinct from m.try || '.1'), '[]') as calls
        from jsonb_array_elements(coalesce(s.calls, '[]')) with ordinality as e (c, n)) kept) end`

/** Takes down what an action tells of its calls while it is at work. */
export class Calls {
  readonly #all: Call[] = []
  #sent = 0

  /** @param one the id of the try, from which those of its calls are made */
  constructor(
    private readonly to: Call['to'],
    private readonly one: string,
  ) {}

  readonly nextId = (): string => {
    this.#sent += 1
    return `${this.one}.${this.#sent}`
  }

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
  return calls.map(({ requestId, requestIdBy, correlationId, isOpen: _, ...call }) => ({
    ...call,
    requestId: requestId ?? null,
    requestIdBy: requestIdBy ?? null,
    correlationId: correlationId ?? null,
  }))
}
