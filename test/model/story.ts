import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Answer } from '../support/api.ts'
import { contradictions } from '../support/contradictions.ts'
import { type Cast, castFor, tokenFor } from './cast.ts'
import type { Command, Happening } from './commands.ts'
import { differences, type Fact, readFacts } from './facts.ts'
import type { Credential, Place } from './ground.ts'
import type { House } from './house.ts'
import { type Act, ADMIN, actOf, after, beginning, mayHappen, settled } from './model.ts'
import { untruths } from './truths.ts'

/** One story as it is played on a real broker, beside the model of what must be true. */
export class Story {
  private model = beginning
  private last: Act | undefined
  /** the latest credential of each grant, by the request it came from */
  private readonly credentials = new Map<number, Credential>()
  private facts: readonly Fact[] = []

  private constructor(
    private readonly house: House,
    private readonly place: Place,
    private readonly cast: Cast,
    private readonly patienceMs: number,
  ) {}

  /** Plays all of it; throws what was not true, and after which command. */
  static async play(house: House, commands: readonly Command[], patienceMs: number): Promise<number> {
    const place = await house.ground.begin()
    const story = new Story(house, place, await castFor(house, place), patienceMs)
    let played = 0
    for (const [at, command] of commands.entries()) {
      const act = command.do === 'again' ? story.again() : actOf(story.model, command)
      if (!act) continue
      await story.step(act).catch((cause: unknown) => {
        throw new Error(`after command ${at}, ${JSON.stringify(command)}: ${cause instanceof Error ? cause.message : cause}`, {
          cause,
        })
      })
      played += 1
    }
    await story.end()
    return played
  }

  /** The same call of the same person, about the same thing. */
  private again(): Act | undefined {
    return this.last?.command.do === 'ask' ? actOf(this.model, this.last.command) : this.last
  }

  private async step(act: Act): Promise<void> {
    const may = mayHappen(this.model, act)
    const accepted = await this.perform(act)
    if (may !== 'either' && accepted !== may) throw new Error(accepted ? 'it must be refused' : 'it must be accepted')
    this.model = settled(after(this.model, act, accepted))
    this.last = act
    await this.settle()
  }

  /** Everything ends, and nothing is left of it. */
  private async end(): Promise<void> {
    this.place.comeBack()
    this.place.loseAnswers(0)
    this.model = settled({ ...this.model, isDown: false, isShaky: false })
    await this.settle()
    for (const [target, ask] of this.model.asks.entries()) {
      if (ask.grant?.phase !== 'active') continue
      await this.step({ command: { do: 'revoke', who: ADMIN, which: 0 }, who: ADMIN, target })
    }
  }

  /** Waits until the broker has done what it can, and then everything must be true. */
  private async settle(): Promise<void> {
    let wrong: string[] = []
    await waitFor(
      'the broker to get there',
      async () => {
        this.facts = await readFacts(this.house.client, this.cast.integrationId)
        wrong = differences(this.model, this.facts, true)
        wrong.push(...(await untruths(this.model, this.facts, this.place, this.credentials)))
        if (wrong.length === 0) wrong = await contradictions(this.house.books)
        return wrong.length === 0
      },
      this.patienceMs,
    ).catch((cause: unknown) => {
      throw new Error(wrong.join('\n'), { cause })
    })
    this.place.loseAnswers(0)
  }

  private async perform(act: Act): Promise<boolean> {
    const { command, target } = act
    const api = this.house.broker().api(this.cast.tokens[act.who])
    const admin = this.house.admin()
    const request = this.facts[target]?.id
    const grant = request?.replace('req_', 'grt_')
    switch (command.do) {
      case 'ask': {
        const resources = [{ resourceId: this.cast.resourceId, permissions: [this.place.resource.permission] }]
        const wish = { flowId: this.cast.flows[command.flow], resources, seconds: command.minutes * 60, justification: 'why not' }
        return accepted(await api.post('/api/access-requests', wish))
      }
      case 'decide':
        return accepted(await api.post(`/api/access-requests/${request}/approvals`, { decision: command.say, reason: 'so' }))
      case 'cancel':
        return accepted(await api.post(`/api/access-requests/${request}/cancel`))
      case 'open':
        return this.open(target, await api.post(`/api/grants/${grant}/open`))
      case 'extend':
        return accepted(await api.post(`/api/grants/${grant}/extend`, { seconds: command.minutes * 60, justification: 'more' }))
      case 'give back':
        return accepted(await api.post(`/api/grants/${grant}/give-back`))
      case 'revoke': {
        const by = act.who === ADMIN ? admin : api
        return accepted(await by.post(`/api/grants/${grant}/revoke`, { reason: 'enough' }))
      }
      case 'person': {
        const id = this.cast.people[command.who]!
        await admin.must(admin.patch(`/api/users/${id}`, { state: command.is === 'enabled' ? 'active' : 'disabled' }))
        if (command.is === 'enabled') this.cast.tokens[command.who] = await tokenFor(this.house, id)
        return true
      }
      case 'sweep':
        await admin.post(`/api/integrations/${this.cast.integrationId}/sweep`)
        return true
      case 'again':
      case 'answers are lost':
      case 'restart':
      case 'second replica':
      case 'target comes back':
      case 'target goes away':
      case 'wait':
        await this.happen(command)
        return true
    }
  }

  /** What nobody asks the broker for. */
  private async happen(command: Happening): Promise<void> {
    const { house, place } = this
    switch (command.do) {
      case 'wait':
        return this.pass(command.minutes)
      case 'target goes away':
        return place.goAway()
      case 'target comes back':
        return place.comeBack()
      case 'answers are lost':
        return place.loseAnswers(command.times)
      case 'restart':
        while (house.size > 0) await house.lose(command.how)
        if (command.minutes > 0) await this.pass(command.minutes)
        return house.add()
      case 'second replica':
        if (command.is === 'started' && house.size === 1) return house.add()
        if (command.is !== 'started' && house.size === 2) return house.lose(command.is)
        return
      case 'again':
        return
    }
  }

  private pass(minutes: number): Promise<void> {
    return this.house.pass(this.cast.integrationId, minutes, (ms) => this.place.turn?.(ms))
  }

  private async open(target: number, answer: Answer): Promise<boolean> {
    if (!accepted(answer)) return false
    const fields = Object.fromEntries(answer.body.fields.map(({ name, value }: { name: string; value: string }) => [name, value]))
    this.credentials.set(target, await this.place.receive(this.facts[target]!.run, fields))
    return true
  }
}

/** Refusals have their reason; a fault of the broker's own is none. */
function accepted({ status, text }: Answer): boolean {
  if (status === 500) throw new Error(`the broker met a bug: ${text}`)
  return status < 400
}
