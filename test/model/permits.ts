import { type Call, type Change, type Command, FLOWS, type Happening, type OfARequest } from './commands.ts'
import { ADMIN, type Ask, type Grant, isEnough, judgesOf, LONGEST_EXTENSION, MOST_EXTENSIONS, type Model } from './model.ts'

/** A command with everything in it that the model decides: who does it, and to what. */
export interface Act<Kind extends Command = Call | Change | Happening> {
  readonly command: Kind
  readonly who: number
  readonly target: number
}

/** Undefined where the command is about something that does not exist. */
export function actOf<Kind extends Call | Change | Happening>(model: Model, command: Kind): Act<Kind> | undefined {
  if (command.do === 'ask') return { command, who: command.who, target: model.asks.length }
  if (!('which' in command)) return { command, who: ADMIN, target: -1 }
  const latest = (wanted: (ask: Ask) => boolean) => {
    const found = model.asks.flatMap((ask, at) => (wanted(ask) ? [at] : [])).toReversed()
    return found[command.which % Math.max(1, found.length)]
  }
  const isOfRequest = command.do === 'decide' || command.do === 'cancel'
  const target = isOfRequest
    ? (latest((ask) => ask.state === 'pending') ?? latest(() => true))
    : (latest(({ grant }) => grant?.phase === 'active') ?? latest(({ grant }) => grant !== undefined))
  if (target === undefined) return undefined
  return { command, who: command.do === 'meddle' ? ADMIN : whoDoes(model, command, target), target }
}

function whoDoes(model: Model, { do: what, who }: OfARequest, target: number): number {
  if (who !== 'right') return who
  const ask = model.asks[target]!
  if (what === 'revoke') return ADMIN
  if (what !== 'decide') return ask.by
  const fresh = judgesOf(model, ask).find((judge) => !ask.votes.includes(judge))
  return fresh ?? 2
}

/** Whether the broker must accept it; `either` where that hangs on what it has got done by now. */
export function mayHappen(model: Model, { command, who, target }: Act): boolean | 'either' {
  if (who !== ADMIN && !model.people[who]!.isActive) return false
  if (command.do === 'ask') return !model.isPaused && mayAsk(model, { by: who, flow: command.flow })
  if (command.do === 'integration') return model.isPaused === (command.is === 'resumed')
  if (!('who' in command && 'which' in command)) return true
  const ask = model.asks[target]!
  switch (command.do) {
    case 'decide':
      return mayDecide(model, ask, who, command.say)
    case 'cancel':
      return ask.by === who && ask.state === 'pending'
    case 'open': {
      if (ask.by !== who || model.isPaused || model.isDown) return false
      const isOpen = isRunning(model, ask.grant!)
      return isOpen && (model.isShaky || ask.grant!.isAltered) ? 'either' : isOpen
    }
    case 'extend': {
      const waits = model.asks.some((other) => other.extends === target && other.state === 'pending')
      if (ask.by !== who || waits || model.isPaused || !mayAsk(model, ask)) return false
      if (ask.grant!.extensions >= MOST_EXTENSIONS || command.minutes > LONGEST_EXTENSION) return false
      return isRunning(model, ask.grant!)
    }
    case 'give back':
    case 'revoke': {
      const mayEnd = command.do === 'give back' ? ask.by === who : who === ADMIN || hasJudged(model, ask, target, who)
      if (!mayEnd) return false
      return ask.grant!.phase === 'coming' || isRunning(model, ask.grant!)
    }
  }
}

/** Who approved access or more of it may revoke it. */
const hasJudged = (model: Model, ask: Ask, target: number, who: number) =>
  ask.votes.includes(who) || model.asks.some((other) => other.extends === target && other.votes.includes(who))

/** A request and an extension alike: the flow is for them, and enough others could say yes. */
const mayAsk = (model: Model, ask: Pick<Ask, 'by' | 'flow'>) =>
  model.flows[ask.flow]!.isOn && isAsker(model, ask.by) && judgesOf(model, ask).length >= FLOWS[ask.flow]!.needed

const isAsker = (model: Model, who: number) => model.people[who]!.isActive && model.people[who]!.askers

/** Of one that is due nobody knows how far its end has got, but that it is over; an altered one may have been found. */
function isRunning(model: Model, grant: Grant): boolean | 'either' {
  if (grant.phase === 'coming') return 'either'
  if (grant.phase !== 'active' || grant.endsAt <= model.minute) return false
  return grant.isAltered ? 'either' : true
}

function mayDecide(model: Model, ask: Ask, who: number, say: 'approve' | 'reject'): boolean | 'either' {
  if (ask.state !== 'pending' || FLOWS[ask.flow]!.needed === 0) return false
  if (!judgesOf(model, ask).includes(who) || ask.votes.includes(who)) return false
  if (say === 'reject' || !isEnough(model, ask, [...ask.votes, who])) return true
  if (model.isPaused || !model.flows[ask.flow]!.isOn || !isAsker(model, ask.by)) return false
  if (ask.extends === undefined) return true
  const { grant } = model.asks[ask.extends]!
  return grant!.extensions < MOST_EXTENSIONS && isRunning(model, grant!)
}
