import { Injectable } from '@nestjs/common'
import { grantAccessOf, planOf, readInput } from '../../actions/action-of.ts'
import { ActionRunner } from '../../actions/runner.ts'
import type { PlannedStep } from '../../approvals/requests/request.ts'
import { runIdOf } from '../../grants/grant.ts'
import { Connections } from '../../integrations/connections/connections.ts'
import { BrokerError, type GrantInput } from '../../sdk/index.ts'
import type { Ask } from '../rules/evaluate.ts'

/** What an approval would carry out, before anybody decides: the very steps, with the very names. */
@Injectable()
export class Plans {
  constructor(
    private readonly connections: Connections,
    private readonly runner: ActionRunner,
  ) {}

  /** To be kept with a request: reading it never asks the target. Null where the target cannot be asked; throws what the plugin refuses. */
  async toKeep(integrationId: string, requestId: string, ask: Pick<Ask, 'resources'>): Promise<PlannedStep[] | null> {
    try {
      return await this.preview(integrationId, requestId, ask)
    } catch (error) {
      if (isRefusal(error)) throw error
      return null
    }
  }

  async preview(integrationId: string, requestId: string, ask: Pick<Ask, 'resources'>): Promise<PlannedStep[]> {
    const connection = await this.connections.use(integrationId)
    const context = this.runner.context(connection, runIdOf(requestId), { isOurs: () => true }, undefined, PATIENCE_MS)
    try {
      const action = grantAccessOf(connection)
      const steps = await planOf(connection, action, context, await readInput(action, inputOf(ask)))
      return steps.map(({ kind, target, summary, args }) => ({ kind, target, summary, args }))
    } catch (error) {
      if (!context.signal.aborted) throw error
      throw new BrokerError(
        'target.timeout',
        `${connection.integration.name} did not answer in time, so nothing could be planned`,
        {
          cause: error,
          fix: 'look at the integration’s health; the request can be made without this answer',
        },
      )
    }
  }
}

/** That the target cannot be asked says nothing about the request. */
function isRefusal(error: unknown): boolean {
  return !(error instanceof BrokerError) || /^(access|input)\./.test(error.code) || error.code === 'target.unsupported'
}

/** Somebody waits in front of a screen; what is carried out later has more time. */
const PATIENCE_MS = 3_000

/** What the plugin is told of the resources. */
export function inputOf(ask: Pick<Ask, 'resources'>): GrantInput {
  return { resources: ask.resources.map(({ type, name, attributes, permissions }) => ({ type, name, attributes, permissions })) }
}
