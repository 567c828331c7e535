import { waitFor } from '../../dev/vault/vault-wait.ts'
import { isBrokerError } from '../../src/sdk/index.ts'
import { contradictions } from '../support/contradictions.ts'
import { Caller, type Outcome } from './caller.ts'
import { type Cast, castFor } from './cast.ts'
import type { Call, Change, Command, Happening, Together } from './commands.ts'
import { differences, type Fact, observed, readFacts } from './facts.ts'
import type { Credential, Place } from './ground.ts'
import type { House } from './house.ts'
import { ADMIN, beginning, type Model, settled } from './model.ts'
import { type Act, actOf, mayHappen } from './permits.ts'
import { after } from './reducer.ts'
import { serial } from './serial.ts'
import { untruths } from './truths.ts'

/** One story as it is played on a real broker, beside the model of what must be true. */
export class Story {
  /** what may be true now: more than one where two calls came at once, or nobody knows whether one was heard */
  private models: readonly Model[] = [beginning]
  private last: Act | Together | undefined
  private readonly credentials = new Map<number, Credential>()
  private readonly caller: Caller
  private facts: readonly Fact[] = []
  /** so many calls come before it is waited for what comes of them */
  private hurry = 0

  private constructor(
    private readonly house: House,
    private readonly place: Place,
    private readonly cast: Cast,
    private readonly patienceMs: number,
  ) {
    this.caller = new Caller(house, place, cast, this.credentials)
  }

  /** Plays all of it; throws what was not true, and after which command. */
  static async play(house: House, commands: readonly Command[], patienceMs: number): Promise<number> {
    const place = await house.ground.begin()
    const story = new Story(house, place, await castFor(house, place), patienceMs)
    let played = 0
    for (const [at, command] of commands.entries()) {
      const isPlayed = await story.step(command).catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause)
        throw new Error(`after command ${at}, ${JSON.stringify(command)}: ${why}`, { cause })
      })
      if (isPlayed) played += 1
    }
    await story.end()
    return played
  }

  private get model(): Model {
    return this.models[0]!
  }

  private async step(command: Command): Promise<boolean> {
    const act = command.do === 'again' ? this.again() : this.actOf(command)
    if (!act) return false
    this.last = act
    if (isTogether(act)) return this.together(act)
    if (isCallAct(act)) {
      await this.know(act.command.do === 'ask' ? undefined : act.target)
      return this.come([act], [await this.caller.call(act, this.facts)])
    }
    return this.happen(act as Act<Change | Happening>)
  }

  private actOf(command: Command): Act | Together | undefined {
    return command.do === 'together' ? command : actOf(this.model, command)
  }

  /** The same call of the same person, about the same thing. */
  private again(): Act | Together | undefined {
    if (!this.last || isTogether(this.last)) return this.last
    return this.last.command.do === 'ask' ? actOf(this.model, this.last.command) : this.last
  }

  private async together({ calls }: Together): Promise<boolean> {
    await this.settle()
    const acts = calls.flatMap((call) => actOf(this.model, call) ?? [])
    const outcomes = await Promise.all(acts.map((act, which) => this.caller.call(act, this.facts, which)))
    return this.come(acts, outcomes)
  }

  /** Compares what came of calls with what the model says of them, in any order in which they may have been heard. */
  private async come(acts: readonly Act<Call>[], outcomes: readonly Outcome[]): Promise<boolean> {
    if (outcomes.includes('unknown')) await this.house.tend()
    const models = this.models.flatMap((model) => serial(model, acts, outcomes))
    if (models.length === 0) throw new Error(`it must not be ${outcomes.map((one) => (one ? 'accepted' : 'refused')).join(', ')}`)
    this.models = models
    this.hurry -= 1
    if (this.hurry < 0 || models.length > 1) await this.settle()
    return acts.length > 0
  }

  private async happen(act: Act<Change | Happening>): Promise<boolean> {
    const { command } = act
    if ((command.do === 'snapshot' || command.do === 'put back') && !this.place.past) return false
    const isSudden = SUDDEN.has(command.do) || (command.do === 'restart' && command.minutes === 0)
    if (!isSudden) await this.settle()
    if (isChange(command)) {
      await this.house.spare()
      const accepted = await this.caller.change(command)
      if (accepted !== mayHappen(this.model, act)) throw new Error(accepted ? 'it must be refused' : 'it must be accepted')
      if (accepted) this.models = [after(this.model, act, true)]
    } else {
      await this.befall(act as Act<Happening>)
      this.models = [after(this.model, act, true)]
    }
    if (!isSudden || command.do === 'restart') await this.settle()
    return true
  }

  /** What nobody asks the broker for. */
  private async befall({ command, target }: Act<Happening>): Promise<void> {
    const { house, place, model } = this
    switch (command.do) {
      case 'again':
        return
      case 'hurry':
        this.hurry = command.calls
        return
      case 'wait':
        return this.pass(command.minutes)
      case 'target goes away':
        return place.goAway()
      case 'target comes back':
        return place.comeBack()
      case 'calls fail':
        return place.fail(command.how, command.times)
      case 'meddle':
        if (model.asks[target]!.grant!.phase === 'active') await place.meddle(this.facts[target]!.run, command.how)
        return
      case 'snapshot':
        if (!model.isDown) place.past?.keep()
        return
      case 'put back':
        if (model.isDown || !model.kept) return
        place.past?.putBack()
        await this.house.spare()
        await this.caller.change({ do: 'sweep' })
        return
      case 'work is lost':
        await this.house.spare()
        return house.loseWork(this.cast.integrationId)
      case 'restart':
        while (house.size > 0) await house.lose(command.how)
        if (command.minutes > 0) await this.pass(command.minutes)
        return house.add()
      case 'second replica':
        if (command.is === 'started' && house.size === 1) await house.add()
        if (command.is !== 'started' && house.size === 2) await house.lose(command.is)
        return
      case 'die amid':
        return house.doom(command.statement, command.how)
    }
  }

  /** Where nobody can turn the target's clock, what will be due then is due now, and the rest stays as it is. */
  private pass(minutes: number): Promise<void> {
    const { turn } = this.place
    if (turn) return this.house.pass(this.cast.integrationId, minutes, turn)
    const until = this.model.minute + minutes
    const due = this.model.asks.flatMap((ask, at) =>
      (ask.state === 'pending' ? ask.lapsesAt <= until : ask.grant?.phase === 'active' && ask.grant.endsAt <= until)
        ? [this.facts[at]!.id]
        : [],
    )
    return this.house.comeTo(due)
  }

  /** A request that was just made has to be found before anybody does something with it. */
  private async know(target: number | undefined): Promise<void> {
    if (target !== undefined && target >= this.facts.length)
      this.facts = await readFacts(this.house.client, this.cast.integrationId)
  }

  /** Waits until the broker has done what it can, and then everything must be true. */
  private async settle(): Promise<void> {
    this.hurry = 0
    let wrong: string[] = []
    const look = async () => {
      await this.house.tend()
      this.facts = await readFacts(this.house.client, this.cast.integrationId)
      const might = this.models.map((model) => observed(settled(model), this.facts))
      const found = might.map((model) => ({ model, wrong: differences(model, this.facts, true) }))
      const best = found.find((one) => one.wrong.length === 0) ?? found[0]!
      const { ever, yet } = await untruths(best.model, this.facts, this.place, this.credentials)
      if (ever.length > 0) throw new Error(ever.join('\n'))
      wrong = [...best.wrong, ...yet]
      if (wrong.length === 0) wrong = await contradictions(this.house.books)
      if (wrong.length === 0) this.models = [best.model]
      return wrong.length === 0
    }
    await waitFor('the broker to get there', look, this.patienceMs).catch((cause: unknown) => {
      throw isBrokerError(cause, 'unavailable') ? new Error(wrong.join('\n'), { cause }) : cause
    })
    this.place.fail('unheard', 0)
  }

  /** Everything ends, and nothing is left of it. */
  private async end(): Promise<void> {
    await this.settle()
    await this.house.spare()
    this.place.comeBack()
    this.models = [{ ...this.model, isDown: false }]
    await this.settle()
    for (const [target, { grant }] of this.model.asks.entries()) {
      if (grant?.phase !== 'active') continue
      const act = { command: { do: 'revoke', who: ADMIN, which: 0 }, who: ADMIN, target } as const
      await this.come([act], [await this.caller.call(act, this.facts)])
    }
    await this.settle()
    await this.caller.remove()
  }
}

/** What may come in the middle of what the broker is doing. */
const SUDDEN: ReadonlySet<Command['do']> = new Set(['hurry', 'calls fail', 'second replica', 'die amid'])
const CHANGES: ReadonlySet<Command['do']> = new Set(['person', 'group', 'flow', 'integration', 'end all', 'sweep'])

const isTogether = (act: Act | Together): act is Together => 'calls' in act
const isChange = (command: Change | Happening): command is Change => CHANGES.has(command.do)
const isCallAct = (act: Act): act is Act<Call> => act.command.do === 'ask' || ('who' in act.command && 'which' in act.command)
