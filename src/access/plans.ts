import { Injectable } from '@nestjs/common'
import { ActionRunner, grantAccessOf } from '../actions/runner.ts'
import { runIdOf } from '../grants/grant.ts'
import { Connections } from '../integrations/connections.ts'
import type { GrantInput, Step } from '../sdk/index.ts'
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
    const context = this.runner.context(connection, runIdOf(requestId), { isOurs: () => true })
    const steps = await grantAccessOf(connection).plan(context, inputOf(ask))
    return steps.map(({ kind, target, summary, args }) => ({ kind, target, summary, args }))
  }
}

/** What the plugin is told of the resources. */
export function inputOf(ask: Pick<Ask, 'resources'>): GrantInput {
  return { resources: ask.resources.map(({ type, name, attributes, permissions }) => ({ type, name, attributes, permissions })) }
}
