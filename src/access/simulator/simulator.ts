import { Injectable } from '@nestjs/common'
import { Approvers } from '../../approvals/stages/approvers.ts'
import { stageViews } from '../../approvals/stages/stage-view.ts'
import type { NewSimulation, Simulation } from '../../contract/simulation.ts'
import { handsOf } from '../../identity/callers/hands-of.ts'
import { Directory } from '../../identity/directory/directory.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { Flows } from '../flows/flows.service.ts'
import { Asks, type OpenAsk, secondsUnder } from '../requests/asks.ts'
import { Requesters } from '../requests/requesters.ts'
import { evaluate, type FlowInForce } from '../rules/evaluate.ts'

/** More people than this are counted and not named. */
const NAMED = 200

/** Who could get this, and who would approve: the same evaluation as for a request, for somebody else. */
@Injectable()
export class Simulator {
  constructor(
    private readonly database: Database,
    private readonly directory: Directory,
    private readonly flows: Flows,
    private readonly asks: Asks,
    private readonly requesters: Requesters,
    private readonly approvers: Approvers,
  ) {}

  async simulate(question: NewSimulation): Promise<Simulation> {
    const tx = this.database.pool
    const { userId, ...wanted } = question
    const ask = await this.asks.read(
      tx,
      {
        resources: [{ resourceId: wanted.resourceId, permissions: wanted.permissions }],
        seconds: wanted.seconds,
        justification: 'simulated',
        fields: wanted.fields,
        emergency: false,
      },
      'all',
    )
    const flows = await this.flows.inForce(tx, { integrationId: ask.resources[0]!.integrationId })
    const people = userId ? [userId as string] : await this.everybody()
    return { flows: await Promise.all(flows.map((flow) => this.under(flow, ask, people))) }
  }

  private async under(flow: FlowInForce, open: OpenAsk, people: readonly string[]): Promise<Simulation['flows'][number]> {
    const tx = this.database.pool
    const emergency = flow.rule.approval.kind === 'emergency'
    const ask = { ...open, emergency, seconds: secondsUnder(flow.rule, open.seconds) }
    const could: Simulation['flows'][number]['people'] = []
    let refused: readonly string[] = []
    let count = 0
    for (const id of people) {
      const member = await this.directory.member(id)
      if (member?.state !== 'active')
        throw new BrokerError('input.invalid', `there is no active person ${id}`, { field: 'userId' })
      const { requester, now } = await this.requesters.read(member)
      const verdict = evaluate(flow, requester, ask, now)
      if (!verdict.allowed) {
        refused = verdict.reasons
        continue
      }
      count += 1
      if (could.length >= NAMED) continue
      const asked = await this.approvers.of({
        ...flow,
        requesterId: id,
        hands: await handsOf(tx, { id: member.id, tokenMakers: [] }),
        resources: ask.resources,
      })
      could.push({ id: member.id, name: member.name, stages: stageViews(asked) })
    }
    return {
      id: flow.id as `flw_${string}`,
      name: flow.name,
      version: flow.version,
      approval: flow.rule.approval.kind,
      people: could,
      count,
      reasons: people.length === 1 ? [...refused] : [],
    }
  }

  private async everybody(): Promise<string[]> {
    return (
      await rows<{ id: string }>(this.database.pool, `select id from users where state = 'active' order by id limit 2000`)
    ).map((person) => person.id)
  }
}
