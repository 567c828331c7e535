import type { Call, Change, Happening } from './commands.ts'
import { type Ask, begun, cancelled, ended, type Grant, isEnough, LAPSES_AFTER, type Model, withAsk, withGrant } from './model.ts'
import type { Act } from './permits.ts'

/** The model after something was done or refused; what was refused leaves nothing. */
export function after(model: Model, act: Act, accepted: boolean): Model {
  const { command, target } = act
  if (accepted) {
    return isCall(command) ? called(model, act as Act<Call>) : happened(model, act as Act<Change | Happening>)
  }
  const grant = model.asks[target]?.grant
  // The target may have done its part of an opening that failed there.
  return command.do === 'open' && grant ? withGrant(model, target, unsure(grant)) : model
}

export const unsure = (grant: Grant): Grant =>
  grant.credential ? { ...grant, credential: { ...grant.credential, isSure: false } } : grant

const isCall = (command: Act['command']): command is Call => 'who' in command && ('which' in command || command.do === 'ask')

function called(model: Model, { command, who, target }: Act<Call>): Model {
  if (command.do === 'ask') {
    const ask = newAsk(model, { by: who, flow: command.flow, minutes: command.minutes })
    return granted({ ...model, asks: [...model.asks, ask] }, target)
  }
  const ask = model.asks[target]!
  switch (command.do) {
    case 'extend': {
      const more = newAsk(model, { by: who, flow: ask.flow, minutes: command.minutes, extends: target })
      const running = withGrant(model, target, begun(model, ask.grant!, ask.minutes))
      return granted({ ...running, asks: [...running.asks, more] }, model.asks.length)
    }
    case 'decide': {
      if (command.say === 'reject') return withAsk(model, target, { ...ask, state: 'rejected' })
      return granted(withAsk(model, target, { ...ask, votes: [...ask.votes, who] }), target)
    }
    case 'cancel':
      return withAsk(model, target, { ...ask, state: 'cancelled' })
    case 'open': {
      const grant = begun(model, ask.grant!, ask.minutes)
      return withGrant(model, target, { ...grant, credential: { until: grant.endsAt, isSure: !grant.isAltered } })
    }
    case 'give back':
    case 'revoke':
      return withGrant(model, target, { ...ask.grant!, phase: 'ending', why: 'revoked' })
  }
}

function happened(model: Model, { command, target }: Act<Change | Happening>): Model {
  switch (command.do) {
    case 'wait':
    case 'restart':
      return { ...model, minute: model.minute + command.minutes }
    case 'target goes away':
      return { ...model, isDown: true }
    case 'target comes back':
      return { ...model, isDown: false }
    case 'calls fail':
      return { ...model, isShaky: true }
    case 'person': {
      const isActive = command.is === 'enabled'
      const people = model.people.with(command.who, { ...model.people[command.who]!, isActive })
      const isTheirs = (ask: Ask) => !isActive && ask.by === command.who
      return { ...ended(cancelled(model, isTheirs), isTheirs, ['coming', 'active']), people }
    }
    case 'group': {
      const person = { ...model.people[command.who]!, [command.group]: command.is === 'in' }
      return { ...model, people: model.people.with(command.who, person) }
    }
    case 'flow': {
      const isOn = command.is === 'on'
      const isUnderIt = (ask: Ask) => !isOn && ask.flow === command.flow
      return { ...ended(cancelled(model, isUnderIt), isUnderIt, ['coming']), flows: model.flows.with(command.flow, { isOn }) }
    }
    case 'integration':
      return { ...model, isPaused: command.is === 'paused' }
    case 'end all':
      return { ...ended(model, () => true, ['coming', 'active']), isPaused: true }
    case 'sweep':
      return model.isDown ? model : ended(model, ({ grant }) => grant!.isAltered, ['active'])
    case 'meddle': {
      const grant = model.asks[target]!.grant!
      if (command.how === 'rule copied' || grant.phase !== 'active') return model
      return withGrant(model, target, { ...unsure(grant), isAltered: true })
    }
    case 'snapshot':
      return model.isDown ? model : { ...model, kept: model.asks.map(({ grant }) => grant) }
    case 'put back':
      return putBack(model)
    case 'again':
    case 'hurry':
    case 'work is lost':
    case 'second replica':
    case 'die amid':
      return model
  }
}

/** What the target did not have then, or otherwise, is altered now; and the sweep that follows sees it. */
function putBack(model: Model): Model {
  const { kept } = model
  if (!kept || model.isDown) return model
  const asks = model.asks.map((ask, at): Ask => {
    if (!ask.grant) return ask
    const then = kept[at]
    const isSame = then?.phase === 'active' && then.extensions === ask.grant.extensions && !then.isAltered
    return { ...ask, grant: { ...unsure(ask.grant), isAltered: !isSame } }
  })
  return ended({ ...model, asks }, ({ grant }) => grant!.isAltered, ['active'])
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
    const grant: Grant = { phase: 'coming', endsAt: Number.POSITIVE_INFINITY, extensions: 0, isAltered: false }
    return withAsk(model, at, { ...ask, state: 'approved', grant })
  }
  const of = model.asks[ask.extends]!
  const grant = begun(model, of.grant!, of.minutes)
  const longer = { ...grant, endsAt: grant.endsAt + ask.minutes, extensions: grant.extensions + 1 }
  return withGrant(withAsk(model, at, { ...ask, state: 'approved' }), ask.extends, longer)
}
