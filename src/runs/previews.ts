import { Injectable } from '@nestjs/common'
import { planOf, readInput } from '../actions/action-of.ts'
import { ActionRunner } from '../actions/runner.ts'
import type { RunPreview } from '../contract/runs.ts'
import type { Connection } from '../integrations/connections/connections.ts'
import { tagsOf } from '../integrations/resources/tags.ts'
import { takeOutSecrets } from '../integrations/secrets/config-secrets.ts'
import { newId } from '../platform/ids.ts'
import { Database, type Tx } from '../platform/postgres/database.ts'
import { type AnyAction, BrokerError, isReversible, type Json, type RunContext, type Step } from '../sdk/index.ts'
import { OfferedActions, type Road } from './offered.ts'
import type { PlannedStep } from './ordered-run.ts'
import { type KnownConcern, type Risk, riskOf } from './risk.ts'

/** Somebody waits in front of a screen; what is carried out later has more time. */
const PATIENCE_MS = 10_000

/** An action that somebody means to have done, looked at from all sides; nothing is written. */
export interface Meant {
  readonly connection: Connection
  readonly action: AnyAction<unknown>
  readonly input: unknown
  readonly concerns: readonly { readonly type: string; readonly name: string }[]
  /** the same with their tags */
  readonly known: readonly KnownConcern[]
  readonly risk: Risk
  /** what a person must type; undefined: nothing */
  readonly confirm: string | undefined
}

/** What a run would do: every step, what stands there now, the risk, and whether it can be undone. */
@Injectable()
export class Previews {
  constructor(
    private readonly database: Database,
    private readonly offered: OfferedActions,
    private readonly runner: ActionRunner,
  ) {}

  async preview(integrationId: string, name: string, typed: unknown): Promise<RunPreview> {
    return this.shown(await this.look(integrationId, name, typed))
  }

  /** The target is asked. */
  async shown(meant: Meant): Promise<RunPreview> {
    const [steps, forGood] = await Promise.all([this.plan(meant), this.whyForGood(meant)])
    const { action, concerns, confirm } = meant
    const risk = riskWith(meant, forGood)
    return {
      action: action.name,
      ...(forGood === undefined ? { reversible: true } : { reversible: false, irreversible: forGood }),
      risk: { level: risk.level, reasons: [...risk.reasons] },
      confirm: confirm ?? null,
      concerns: [...concerns],
      steps: steps.map((step) => ({
        kind: step.kind,
        target: step.target,
        summary: step.summary,
        args: step.args,
        before: step.before ?? null,
      })),
    }
  }

  async look(
    integrationId: string,
    name: string,
    typed: unknown,
    tx: Tx = this.database.pool,
    road: Road = 'order',
  ): Promise<Meant> {
    const { connection, action } = await this.offered.find(integrationId, name, tx, road)
    const input = await readInput(action, typed)
    const concerns = action.concerns?.(input) ?? []
    const known = await tagsOf(tx, integrationId, concerns)
    return {
      connection,
      action,
      input,
      concerns,
      known,
      risk: riskOf(action, input, known, connection.integration),
      confirm: action.mustType?.(input),
    }
  }

  /** The steps as they would be done now. Throws what the plugin or the target has against it. */
  async plan(meant: Meant): Promise<PlannedStep[]> {
    const { connection, action, input } = meant
    return (await this.asking(meant, (context) => planOf(connection, action, context, input))).map(visible)
  }

  /** Why it could not be undone once it is done, as things stand in the target now; undefined where it could. Throws as `plan`. */
  async whyForGood(meant: Meant): Promise<string | undefined> {
    const { action, input } = meant
    if (!isReversible(action)) return action.irreversible
    const way = await this.asking(meant, async (context) => action.wayBack?.(context, input))
    return way?.isPossible === false ? (way.because ?? 'the target keeps nothing of what is there') : undefined
  }

  private async asking<T>({ connection }: Meant, ask: (context: RunContext<unknown>) => Promise<T>): Promise<T> {
    const context = this.runner.context(connection, newId('run'), { isOurs: () => true }, undefined, PATIENCE_MS)
    try {
      return await ask(context)
    } catch (error) {
      if (!context.signal.aborted) throw error
      throw new BrokerError(
        'target.timeout',
        `${connection.integration.name} did not answer in time, so nothing could be planned`,
        {
          cause: error,
          fix: 'look at the integration’s health, and try again',
        },
      )
    }
  }
}

/** The risk, where the target was asked whether this can be undone: of an action that usually can be, this time it may be for good. */
export function riskWith({ action, input, known, connection }: Meant, forGood: string | undefined): Risk {
  const why = forGood !== undefined && isReversible(action) ? `It cannot be undone: ${forGood}.` : undefined
  return riskOf(action, input, known, connection.integration, why)
}

/** Without what is sealed. */
function visible({ kind, target, summary, args, before }: Step): PlannedStep {
  return { kind, target, summary, args, ...(before !== undefined && { before }) }
}

/** Throws unless what cannot be undone was named by the person who wants it done. */
export function mustBeConfirmed({ confirm }: Pick<Meant, 'confirm'>, typed: string | undefined): void {
  if (confirm === undefined || typed === confirm) return
  throw new BrokerError('input.invalid', 'is not the name of what the action changes', {
    field: 'confirm',
    fix: `the action cannot be undone: type ${JSON.stringify(confirm)} to confirm it`,
  })
}

/** The input as people may see it. */
export function clear({ input }: Meant): Json {
  return JSON.parse(JSON.stringify(takeOutSecrets(input).clear)) as Json
}
