import { FLOWS, PEOPLE } from './commands.ts'

/** What somebody asked for, and what became of it. */
export interface Ask {
  readonly by: number
  readonly flow: number
  readonly minutes: number
  readonly votes: readonly number[]
  readonly state: 'pending' | 'approved' | 'rejected' | 'cancelled' | 'expired'
  /** the ask whose grant is to last longer */
  readonly extends?: number
  readonly lapsesAt: number
  readonly grant?: Grant
}

export interface Grant {
  /** `coming` until the target has it, `ending` until it has it no more */
  readonly phase: 'coming' | 'active' | 'ending' | 'over'
  readonly endsAt: number
  readonly extensions: number
  readonly why?: 'expired' | 'revoked' | 'failed'
  /** the latest credential: when it ends, and whether somebody may have cut it since */
  readonly credential?: { readonly until: number; readonly isSure: boolean }
  /** somebody else changed it at the target: it ends when the broker sees that */
  readonly isAltered: boolean
}

/** What must be true, as far as anybody outside can tell. */
export interface Model {
  readonly minute: number
  readonly people: readonly { readonly isActive: boolean; readonly askers: boolean; readonly judges: boolean }[]
  readonly flows: readonly { readonly isOn: boolean }[]
  readonly isPaused: boolean
  readonly isDown: boolean
  /** until the broker has got where it is going the target may lose its answers */
  readonly isShaky: boolean
  readonly asks: readonly Ask[]
  /** what stood at the target when its state was kept */
  readonly kept?: readonly (Grant | undefined)[]
}

export const ADMIN = -1
export const LAPSES_AFTER = 130
export const MOST_EXTENSIONS = 2
export const LONGEST_EXTENSION = 60

export const beginning: Model = {
  minute: 0,
  people: PEOPLE.map((_, at) => ({ isActive: true, askers: at < 5, judges: at >= 2 && at < 5 })),
  flows: FLOWS.map(() => ({ isOn: true })),
  isPaused: false,
  isDown: false,
  isShaky: false,
  asks: [],
}

/** Who may decide on it now. */
export const judgesOf = (model: Model, ask: Pick<Ask, 'by'>) =>
  model.people.flatMap(({ isActive, judges }, at) => (isActive && judges && at !== ask.by ? [at] : []))

export const isEnough = (model: Model, ask: Ask, votes: readonly number[]) =>
  votes.filter((vote) => judgesOf(model, ask).includes(vote)).length >= FLOWS[ask.flow]!.needed

export const withAsk = (model: Model, at: number, ask: Ask): Model => ({ ...model, asks: model.asks.with(at, ask) })
export const withGrant = (model: Model, at: number, grant: Grant): Model => withAsk(model, at, { ...model.asks[at]!, grant })

/** The clock of access starts when the target has it. */
export const begun = (model: Model, grant: Grant, minutes: number): Grant =>
  grant.phase === 'coming' ? { ...grant, phase: 'active', endsAt: model.minute + minutes } : grant

/** Ends every grant of those asks in one of those phases. */
export function ended(model: Model, of: (ask: Ask) => boolean, phases: readonly Grant['phase'][]): Model {
  const asks = model.asks.map((ask): Ask => {
    if (!ask.grant || !phases.includes(ask.grant.phase) || !of(ask)) return ask
    return { ...ask, grant: { ...ask.grant, phase: 'ending', why: 'revoked' } }
  })
  return { ...model, asks }
}

/** Takes back every ask of those that waits. */
export function cancelled(model: Model, of: (ask: Ask) => boolean): Model {
  const asks = model.asks.map((ask): Ask => (ask.state === 'pending' && of(ask) ? { ...ask, state: 'cancelled' } : ask))
  return { ...model, asks }
}

/** What comes of it by itself once the broker has done all that it can now. */
export function settled(model: Model): Model {
  return {
    ...model,
    isShaky: false,
    asks: model.asks.map((ask): Ask => {
      if (ask.state === 'pending' && ask.lapsesAt <= model.minute) return { ...ask, state: 'expired' }
      if (!ask.grant) return ask
      let grant = ask.grant
      if (grant.phase === 'active' && grant.endsAt <= model.minute) grant = { ...grant, phase: 'ending', why: 'expired' }
      if (model.isDown) return { ...ask, grant }
      grant = begun(model, grant, ask.minutes)
      if (grant.phase === 'ending') grant = { ...grant, phase: 'over' }
      return { ...ask, grant }
    }),
  }
}
