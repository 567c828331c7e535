import { type Command, FLOWS, type OfARequest, PEOPLE } from './commands.ts'

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
}

/** What must be true, as far as anybody outside can tell. */
export interface Model {
  readonly minute: number
  readonly people: readonly { readonly isActive: boolean; readonly asks: boolean; readonly judges: boolean }[]
  readonly flows: readonly { readonly isOn: boolean }[]
  readonly isPaused: boolean
  readonly isDown: boolean
  /** for one command the target may lose its answers */
  readonly isShaky: boolean
  readonly asks: readonly Ask[]
}

export const ADMIN = -1
export const LAPSES_AFTER = 130
const MOST_EXTENSIONS = 2
export const LONGEST_EXTENSION = 60

export const beginning: Model = {
  minute: 0,
  people: PEOPLE.map((_, at) => ({ isActive: true, asks: at < 5, judges: at >= 2 && at < 5 })),
  flows: FLOWS.map(() => ({ isOn: true })),
  isPaused: false,
  isDown: false,
  isShaky: false,
  asks: [],
}

/** A command with everything in it that the model decides: who does it, and to what. */
export type Act = { readonly command: Command; readonly who: number; readonly target: number }

/** Undefined where the command is about something that does not exist. */
export function actOf(model: Model, command: Command): Act | undefined {
  if (!('which' in command)) {
    return command.do === 'ask' ? { command, who: command.who, target: model.asks.length } : { command, who: ADMIN, target: -1 }
  }
  const latest = (wanted: (ask: Ask) => boolean) => {
    const found = model.asks.flatMap((ask, at) => (wanted(ask) ? [at] : [])).toReversed()
    return found[command.which % Math.max(1, found.length)]
  }
  const isOfRequest = command.do === 'decide' || command.do === 'cancel'
  const target = isOfRequest
    ? (latest((ask) => ask.state === 'pending') ?? latest(() => true))
    : latest(({ grant }) => grant !== undefined)
  return target === undefined ? undefined : { command, who: whoDoes(model, command, target), target }
}

function whoDoes(model: Model, { do: what, who }: OfARequest, target: number): number {
  if (who !== 'right') return who
  const ask = model.asks[target]!
  if (what === 'revoke') return ADMIN
  if (what !== 'decide') return ask.by
  const fresh = judgesOf(model, ask).find((judge) => !ask.votes.includes(judge))
  return fresh ?? 2
}

/** Who may decide on it now. */
const judgesOf = (model: Model, ask: Pick<Ask, 'by'>) =>
  model.people.flatMap(({ isActive, judges }, at) => (isActive && judges && at !== ask.by ? [at] : []))

/** Whether the broker must accept it; `either` where that hangs on what it has got done by now. */
export function mayHappen(model: Model, { command, who, target }: Act): boolean | 'either' {
  if (who !== ADMIN && !model.people[who]!.isActive) return false
  if (command.do === 'ask') return !model.isPaused && mayAsk(model, { by: who, flow: command.flow })
  if (!('which' in command)) return true
  const ask = model.asks[target]
  switch (command.do) {
    case 'decide':
      return mayDecide(model, ask!, who, command.say)
    case 'cancel':
      return ask!.by === who && ask!.state === 'pending'
    case 'open': {
      if (ask!.by !== who || model.isPaused || model.isDown) return false
      const isOpen = isRunning(model, ask!.grant!)
      return isOpen && model.isShaky ? 'either' : isOpen
    }
    case 'extend': {
      const { phase, extensions } = ask!.grant!
      const waits = model.asks.some((other) => other.extends === target && other.state === 'pending')
      if (ask!.by !== who || waits || model.isPaused || !mayAsk(model, ask!)) return false
      if (extensions >= MOST_EXTENSIONS || command.minutes > LONGEST_EXTENSION) return false
      return phase === 'coming' ? 'either' : isRunning(model, ask!.grant!)
    }
    case 'give back':
    case 'revoke': {
      const mayEnd = command.do === 'give back' ? ask!.by === who : who === ADMIN || ask!.votes.includes(who)
      return mayEnd && (isComing(ask!) || isRunning(model, ask!.grant!))
    }
  }
}

/** A request and an extension alike: the flow is for them, and enough others could say yes. */
const mayAsk = (model: Model, ask: Pick<Ask, 'by' | 'flow'>) =>
  model.flows[ask.flow]!.isOn &&
  model.people[ask.by]!.isActive &&
  model.people[ask.by]!.asks &&
  judgesOf(model, ask).length >= FLOWS[ask.flow]!.needed

const isComing = ({ grant }: Ask) => grant?.phase === 'coming'

/** Of one that is due nobody knows how far its end has got, but that it is over. */
function isRunning(model: Model, grant: Grant): boolean | 'either' {
  if (grant.phase === 'coming') return 'either'
  return grant.phase === 'active' && grant.endsAt > model.minute
}

function mayDecide(model: Model, ask: Ask, who: number, say: 'approve' | 'reject'): boolean | 'either' {
  const { needed } = FLOWS[ask.flow]!
  if (ask.state !== 'pending' || needed === 0 || !judgesOf(model, ask).includes(who) || ask.votes.includes(who)) return false
  if (say === 'reject' || !isEnough(model, ask, [...ask.votes, who])) return true
  const { isActive, asks } = model.people[ask.by]!
  if (model.isPaused || !model.flows[ask.flow]!.isOn || !isActive || !asks) return false
  if (ask.extends === undefined) return true
  const { grant } = model.asks[ask.extends]!
  return grant!.extensions < MOST_EXTENSIONS && isRunning(model, grant!)
}

const isEnough = (model: Model, ask: Ask, votes: readonly number[]) =>
  votes.filter((vote) => judgesOf(model, ask).includes(vote)).length >= FLOWS[ask.flow]!.needed

/** The model after something was done or refused; what was refused leaves nothing. */
export function after(before: Model, act: Act, accepted: boolean): Model {
  const { command, target } = act
  const model = { ...before, isShaky: command.do === 'answers are lost' }
  if (accepted) return done(model, act)
  const grant = model.asks[target]?.grant
  // The target may have done its part of an opening that failed there.
  if (command.do !== 'open' || !grant?.credential) return model
  return withGrant(model, target, { ...grant, credential: { ...grant.credential, isSure: false } })
}

function done(model: Model, { command, who, target }: Act): Model {
  const ask = model.asks[target]
  switch (command.do) {
    case 'ask':
      return granted(
        { ...model, asks: [...model.asks, newAsk(model, { by: who, flow: command.flow, minutes: command.minutes })] },
        target,
      )
    case 'extend': {
      const more = newAsk(model, { by: who, flow: ask!.flow, minutes: command.minutes, extends: target })
      const running = withGrant(model, target, { ...begun(model, ask!.grant!, ask!.minutes) })
      return granted({ ...running, asks: [...running.asks, more] }, model.asks.length)
    }
    case 'decide': {
      if (command.say === 'reject') return withAsk(model, target, { ...ask!, state: 'rejected' })
      return granted(withAsk(model, target, { ...ask!, votes: [...ask!.votes, who] }), target)
    }
    case 'cancel':
      return withAsk(model, target, { ...ask!, state: 'cancelled' })
    case 'open': {
      const grant = begun(model, ask!.grant!, ask!.minutes)
      return withGrant(model, target, { ...grant, credential: { until: grant.endsAt, isSure: true } })
    }
    case 'give back':
    case 'revoke':
      return withGrant(model, target, { ...ask!.grant!, phase: 'ending', why: 'revoked' })
    case 'wait':
    case 'restart':
      return { ...model, minute: model.minute + command.minutes }
    case 'target goes away':
      return { ...model, isDown: true }
    case 'target comes back':
      return { ...model, isDown: false }
    case 'person':
      return person(model, command.who, command.is)
    case 'again':
    case 'answers are lost':
    case 'second replica':
    case 'sweep':
      return model
  }
}

const newAsk = (model: Model, ask: Pick<Ask, 'by' | 'flow' | 'minutes' | 'extends'>): Ask => ({
  ...ask,
  votes: [],
  state: 'pending',
  lapsesAt: model.minute + LAPSES_AFTER,
})

/** Approved once enough have agreed, and then there is a grant, or one that lasts longer. */
function granted(model: Model, at: number): Model {
  const ask = model.asks[at]!
  if (!isEnough(model, ask, ask.votes)) return model
  if (ask.extends === undefined) {
    const grant: Grant = { phase: 'coming', endsAt: Number.POSITIVE_INFINITY, extensions: 0 }
    return withAsk(model, at, { ...ask, state: 'approved', grant })
  }
  const of = model.asks[ask.extends]!
  const grant = begun(model, of.grant!, of.minutes)
  const longer = { ...grant, endsAt: grant.endsAt + ask.minutes, extensions: grant.extensions + 1 }
  return withGrant(withAsk(model, at, { ...ask, state: 'approved' }), ask.extends, longer)
}

const begun = (model: Model, grant: Grant, minutes: number): Grant =>
  grant.phase === 'coming' ? { ...grant, phase: 'active', endsAt: model.minute + minutes } : grant

const withAsk = (model: Model, at: number, ask: Ask): Model => ({ ...model, asks: model.asks.with(at, ask) })
const withGrant = (model: Model, at: number, grant: Grant): Model => withAsk(model, at, { ...model.asks[at]!, grant })

/** Who is disabled loses what they have and what they asked for. */
function person(model: Model, who: number, is: 'disabled' | 'enabled'): Model {
  const people = model.people.with(who, { ...model.people[who]!, isActive: is === 'enabled' })
  if (is === 'enabled') return { ...model, people }
  const asks = model.asks.map((ask): Ask => {
    if (ask.by !== who) return ask
    if (ask.state === 'pending') return { ...ask, state: 'cancelled' }
    if (ask.grant?.phase !== 'coming' && ask.grant?.phase !== 'active') return ask
    return { ...ask, grant: { ...ask.grant, phase: 'ending', why: 'revoked' } }
  })
  return { ...model, people, asks }
}

/** What comes of it by itself once the broker has done all that it can now. */
export function settled(model: Model): Model {
  return {
    ...model,
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
