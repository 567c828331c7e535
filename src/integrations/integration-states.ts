import { Injectable, type OnModuleInit } from '@nestjs/common'
import { record } from '../audit/record.ts'
import type { ChangeKind } from '../changes/change-kind.ts'
import { FourEyes } from '../changes/four-eyes.ts'
import type { Held } from '../changes/held.ts'
import { withdrawProposals } from '../changes/proposal-endings.ts'
import { isForced, type Removal, removal } from '../contract/removals.ts'
import type { Caller } from '../identity/callers/caller.ts'
import { DueWork, enqueue, withdraw } from '../platform/due/due-work.ts'
import { Database, rows, type Tx } from '../platform/postgres/database.ts'
import { BrokerError } from '../sdk/index.ts'
import { Connections } from './connections/connections.ts'
import { DISCOVERY_WORK, discoveryWork } from './discovery/discovery.ts'
import { stopRunning } from './discovery/discovery-run.ts'
import { HEALTH_WORK, healthWork } from './health/health.service.ts'
import { Inhabitants } from './inhabitants.ts'
import { findIntegration, type Integration } from './integration.ts'
import { baseOf } from './integration-changes.ts'
import { SWEEP_WORK } from './sweep-work.ts'
import { moveIntegration } from './transition.ts'

/** Pauses, resumes and removes integrations. */
@Injectable()
export class IntegrationStates implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly connections: Connections,
    private readonly work: DueWork,
    private readonly fourEyes: FourEyes,
    private readonly inhabitants: Inhabitants,
  ) {}

  onModuleInit(): void {
    this.fourEyes.register(this.removing)
  }

  /** Nothing begins through it any more. What ends, ends. */
  async pause(by: string, id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const integration = await findIntegration(tx, id, 'for update')
      if (integration.state !== 'active') throw new BrokerError('conflict', `${integration.name} is already paused`)
      await this.halt(tx, by, integration)
    })
    this.connections.drop(id)
  }

  /** Pauses it unless it is paused, and does with the same commit what has to come of that. */
  async stop(by: string, id: string, also: (tx: Tx) => Promise<void>): Promise<void> {
    await this.database.transaction(async (tx) => {
      const integration = await findIntegration(tx, id, 'for update')
      if (integration.state === 'active') await this.halt(tx, by, integration)
      await also(tx)
    })
    this.connections.drop(id)
  }

  async resume(by: string, id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const integration = await findIntegration(tx, id, 'for update')
      if (integration.state !== 'paused') throw new BrokerError('conflict', `${integration.name} is not paused`)
      await moveIntegration(tx, id, 'resume')
      await enqueue(tx, [healthWork(id), discoveryWork(id)])
      await record(tx, { kind: 'integration.resumed', actor: by, subject: id, data: { name: integration.name } })
    })
    this.connections.drop(id)
    this.work.wake('background')
  }

  /** Its credentials are erased; its row stays, because history points at it. */
  remove(caller: Caller, id: string, how: Removal): Promise<undefined | Held> {
    return this.fourEyes.submit(caller, this.removing, id, how)
  }

  private readonly removing: ChangeKind<Removal, undefined> = {
    kind: 'integration.remove',
    roles: ['admin'],
    parse: (body) => removal.parse(body ?? {}),
    summary: async (id, how) => {
      const { name } = await findIntegration(this.database.pool, id!)
      const left = await this.inhabitants.leftBehind(this.database.pool, id!, { name, isSaid: isForced(how) })
      return { name, ...(left.length > 0 && { left }) }
    },
    base: async (tx, id) => {
      const integration = await findIntegration(tx, id, 'for update')
      // What is left is accepted with it: more than was shown takes another look.
      const left = await this.inhabitants.leftBehind(tx, id, { name: integration.name, isSaid: true })
      const base = baseOf(integration)
      return left.length === 0 ? base : { ...base, shown: { ...base.shown, left } }
    },
    prepare: async (by, id, how) => ({
      write: (tx) => this.erase(tx, by, id!, how),
      afterwards: () => this.connections.drop(id!),
    }),
  }

  private async erase(tx: Tx, by: string, id: string, how: Removal): Promise<undefined> {
    const integration = await findIntegration(tx, id, 'for update')
    const living = await this.inhabitants.inWords(tx, id)
    if (living !== undefined) {
      throw new BrokerError('conflict', `${integration.name} cannot be removed: it has ${living}`, {
        fix: 'pause it, end the access through it, remove certificate sources that name it, and remove it when that is over',
      })
    }
    const left = await this.inhabitants.leftBehind(tx, id, { name: integration.name, isSaid: isForced(how) })
    await moveIntegration(tx, id, 'remove')
    await rows(tx, 'update integrations set sealed = null where id = $1', [id])
    await rows(tx, 'delete from integration_secrets where integration_id = $1', [id])
    await endWork(tx, id, 'the integration was removed')
    await withdrawProposals(tx, id, 'the integration was removed')
    const data = { name: integration.name, ...(left.length > 0 && { left }) }
    await record(tx, { kind: 'integration.removed', actor: by, subject: id, data })
  }

  private async halt(tx: Tx, by: string, integration: Integration): Promise<void> {
    await moveIntegration(tx, integration.id, 'pause')
    await endWork(tx, integration.id, 'the integration was paused')
    await record(tx, { kind: 'integration.paused', actor: by, subject: integration.id, data: { name: integration.name } })
  }
}

async function endWork(tx: Tx, id: string, why: string): Promise<void> {
  // The sweep of one that is paused is put back: what was given through it is compared with its target until it is over.
  await withdraw(tx, [DISCOVERY_WORK, HEALTH_WORK, SWEEP_WORK], [id])
  await stopRunning(tx, id, why)
}
