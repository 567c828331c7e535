import type { Answer, Api } from '../support/api.ts'
import { type Cast, tokenFor } from './cast.ts'
import type { Call, Change } from './commands.ts'
import type { Fact } from './facts.ts'
import type { Credential, Place } from './ground.ts'
import type { House } from './house.ts'
import { ADMIN } from './model.ts'
import type { Act } from './permits.ts'

/** `unknown` when the process that was asked died before answering. */
export type Outcome = boolean | 'unknown'

/** Asks the broker, as people and admins do. */
export class Caller {
  constructor(
    private readonly house: House,
    private readonly place: Place,
    private readonly cast: Cast,
    /** the latest credential of each grant, by the request it came from */
    private readonly credentials: Map<number, Credential>,
  ) {}

  /** `through` says which of the daemons is asked. */
  async call({ command, who, target }: Act<Call>, facts: readonly Fact[], through = 0): Promise<Outcome> {
    const api = who === ADMIN ? this.house.admin(through) : this.house.broker(through).api(this.cast.tokens[who])
    const fact = facts[target]
    try {
      const answer = await this.send(api, command, fact?.id ?? '')
      if (answer.status === 503) return 'unknown'
      const isAccepted = accepted(answer)
      if (isAccepted && command.do === 'open') await this.receive(target, fact!.run, answer)
      return isAccepted
    } catch (error) {
      if (error instanceof Error && 'code' in error && /^(UND_ERR|ECONN)/.test(String(error.code))) return 'unknown'
      throw error
    }
  }

  private send(api: Api, command: Call, request: string): Promise<Answer> {
    const grant = request.replace('req_', 'grt_')
    switch (command.do) {
      case 'ask': {
        const resources = [{ resourceId: this.cast.resourceId, permissions: [this.place.resource.permission] }]
        const seconds = command.minutes * 60
        return api.post('/api/access-requests', {
          flowId: this.cast.flows[command.flow],
          resources,
          seconds,
          justification: 'so',
        })
      }
      case 'decide':
        return api.post(`/api/access-requests/${request}/approvals`, { decision: command.say, reason: 'so' })
      case 'cancel':
        return api.post(`/api/access-requests/${request}/cancel`)
      case 'open':
        return api.post(`/api/grants/${grant}/open`)
      case 'extend':
        return api.post(`/api/grants/${grant}/extend`, { seconds: command.minutes * 60, justification: 'more' })
      case 'give back':
        return api.post(`/api/grants/${grant}/give-back`)
      case 'revoke':
        return api.post(`/api/grants/${grant}/revoke`, { reason: 'enough' })
    }
  }

  async change(command: Change): Promise<boolean> {
    const admin = this.house.admin()
    const integration = `/api/integrations/${this.cast.integrationId}`
    switch (command.do) {
      case 'person': {
        const id = this.cast.people[command.who]!
        await admin.must(admin.patch(`/api/users/${id}`, { state: command.is === 'enabled' ? 'active' : 'disabled' }))
        if (command.is === 'enabled') this.cast.tokens[command.who] = await tokenFor(this.house, id)
        return true
      }
      case 'group': {
        const member = `/api/groups/${this.cast.groups[command.group]}/members/${this.cast.people[command.who]}`
        accepted(await (command.is === 'in' ? admin.put(member) : admin.delete(member)))
        return true
      }
      case 'flow':
        await admin.must(admin.patch(`/api/access-flows/${this.cast.flows[command.flow]}`, { active: command.is === 'on' }))
        return true
      case 'integration':
        return accepted(await admin.post(`${integration}/${command.is === 'paused' ? 'pause' : 'resume'}`))
      case 'end all':
        await admin.must(admin.post(`${integration}/end-access`, { confirm: this.cast.name, reason: 'enough of all' }))
        return true
      case 'sweep':
        accepted(await admin.post(`${integration}/sweep?confirm=true`))
        return true
    }
  }

  /** Of an integration through which nothing lives any more. */
  async remove(): Promise<void> {
    const admin = this.house.admin()
    await admin.must(admin.delete(`/api/integrations/${this.cast.integrationId}`))
  }

  private async receive(target: number, run: string, { body }: Answer): Promise<void> {
    const fields = Object.fromEntries(body.fields.map(({ name, value }: { name: string; value: string }) => [name, value]))
    this.credentials.set(target, await this.place.receive(run, fields))
  }
}

/** Refusals have their reason; a fault of the broker's own is none. */
function accepted({ status, text }: Answer): boolean {
  if (status === 500) throw new Error(`the broker met a bug: ${text}`)
  return status < 400
}
