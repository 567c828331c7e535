import { Injectable } from '@nestjs/common'
import { ActionRunner, grantAccessOf } from '../actions/runner.ts'
import { runIdOf } from '../grants/grant.ts'
import { Connections } from '../integrations/connections.ts'
import { BrokerError, type GrantInput, type Step } from '../sdk/index.ts'
import type { Ask } from './evaluate.ts'

/** What an approval would carry out, before anybody decides: the very steps, with the very names. */
@Injectable()
export class Plans {
  constructor(
    private readonly connections: Connections,
    private readonly runner: ActionRunner,
  ) {}

  async preview(integrationId: string, requestId: string, ask: Pick<Ask, 'resources'>): Promise<Omit<Step, 'sealed'>[]> {
    const connection = await this.connections.use(integrationId)
    const context = this.runner.context(connection, runIdOf(requestId), { isOurs: () => true }, undefined, PATIENCE_MS)
    try {
      const steps = await grantAccessOf(connection).plan(context, inputOf(ask))
      return steps.map(({ kind, target, summary, args }) => ({ kind, target, summary, args }))
    } catch (error) {
      if (!context.signal.aborted) throw error
      throw new BrokerError('target.timeout', `${connection.integration.name} did not answer in time to plan this`, {
        cause: error,
        fix: 'see the health of the integration; the request itself does not need it now',
      })
    }
  }
}

/** Somebody waits in front of a screen; what is carried out later has more time. */
const PATIENCE_MS = 3_000

/** What the plugin is told of the resources. */
export function inputOf(ask: Pick<Ask, 'resources'>): GrantInput {
  return { resources: ask.resources.map(({ type, name, attributes, permissions }) => ({ type, name, attributes, permissions })) }
}
