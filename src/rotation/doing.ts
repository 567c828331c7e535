import { Injectable } from '@nestjs/common'
import { ActionRunner } from '../actions/runner.ts'
import type { Does } from '../contract/rotations.ts'
import { keepSecrets, takeOutSecrets } from '../integrations/secrets/config-secrets.ts'
import { newId } from '../platform/ids.ts'
import { Database, databaseNow } from '../platform/postgres/database.ts'
import { SealedColumns } from '../platform/sealing/sealed-columns.ts'
import { Sealer } from '../platform/sealing/sealing.ts'
import type { PlannedStep } from '../runs/ordered-run.ts'
import { clear, type Meant, mustBeConfirmed, Previews } from '../runs/previews.ts'
import { BrokerError, isReversible, type Json, parseJson, Secret } from '../sdk/index.ts'
import type { Rotation } from './rotation.ts'
import { RotationTests } from './webhook-tester.ts'

export type RunDoes = Extract<Does, { kind: 'run' }>

/** What is stored of something that is done: what people may see, and beside it the whole input if there is a secret in it. */
export interface KeptDoes {
  readonly does: Json
  readonly sealedInput: string | null
  readonly integrationId: string | null
}

const PATIENCE_MS = 10_000

/** What a rotation does, as it is given, kept and looked at before each time. */
@Injectable()
export class Doing {
  constructor(
    private readonly database: Database,
    private readonly previews: Previews,
    private readonly runner: ActionRunner,
    private readonly tests: RotationTests,
    private readonly sealer: Sealer,
    columns: SealedColumns,
  ) {
    const place = ({ id }: Readonly<Record<string, unknown>>) => placeOf(String(id))
    columns.hold({ table: 'rotations', column: 'sealed_input', key: { id: 'text' }, place, lasting: true })
  }

  /** Throws unless it could be done now and be taken back as long as is wanted. Answers what would be done, step by step. */
  async mustBeFit(does: RunDoes): Promise<PlannedStep[]> {
    const meant = await this.look(does)
    const steps = await inDoes(() => this.previews.plan(meant))
    await this.mustHaveWayBack(meant, does)
    if (does.test) await inDoes(() => this.tests.now.mustBeReady(does.test!.webhookId), 'test.webhookId')
    return steps
  }

  /** For somebody who sets it up: besides, what they must know or type. */
  async mustBeMeant(does: RunDoes): Promise<PlannedStep[]> {
    const meant = await this.look(does)
    await inDoes(async () => mustBeConfirmed(meant, does.confirm))
    const { action } = meant
    if (!isReversible(action) && !does.evenIfIrreversible) {
      throw new BrokerError('input.invalid', `this action cannot be undone: ${action.irreversible}`, {
        field: 'does.evenIfIrreversible',
        fix: 'set it to true to let a schedule run the action all the same',
      })
    }
    if (!isReversible(action) && does.test) {
      throw new BrokerError(
        'input.invalid',
        'is not possible here: the action cannot be undone, so a failed test could not restore anything',
        {
          field: 'does.test',
          fix: 'leave the test out; a webhook can subscribe to rotation.finished instead',
        },
      )
    }
    return this.mustBeFit(does)
  }

  /** With its input as it was typed. */
  opened({ id, does, sealedInput }: Pick<Rotation, 'id' | 'does' | 'sealedInput'>): Does {
    if (does.kind !== 'run' || sealedInput === null) return does
    const input = parseJson(this.sealer.open(sealedInput, placeOf(id)).reveal()) as RunDoes['input']
    return { ...does, input }
  }

  /** What is sent for one that exists: a secret that is sent back as it was shown stays what it is. */
  async completed(kept: Rotation, typed: Does): Promise<Does> {
    if (typed.kind !== 'run' || kept.does.kind !== 'run' || kept.sealedInput === null) return typed
    if (typed.action !== kept.does.action || typed.integrationId !== kept.does.integrationId) return typed
    const known = takeOutSecrets((await this.look(this.opened(kept) as RunDoes)).input).secrets
    return { ...typed, input: keepSecrets(typed.input, known) as RunDoes['input'] }
  }

  async kept(id: string, does: Does): Promise<KeptDoes> {
    if (does.kind !== 'run') return { does, sealedInput: null, integrationId: null }
    const shown = await this.shown(does)
    const typed = JSON.stringify(does.input)
    const sealedInput = JSON.stringify(shown.input) === typed ? null : this.sealer.seal(new Secret(typed), placeOf(id))
    return { does: shown as unknown as Json, sealedInput, integrationId: does.integrationId }
  }

  /** As people may see it. */
  async shown(does: RunDoes): Promise<RunDoes> {
    return { ...does, input: clear(await this.look(does)) as RunDoes['input'] }
  }

  private look({ integrationId, action, input }: RunDoes): Promise<Meant> {
    return inDoes(() => this.previews.look(integrationId, action, input))
  }

  private async mustHaveWayBack({ connection, action, input }: Meant, does: RunDoes): Promise<void> {
    if (!isReversible(action) || !action.wayBack) return
    const context = this.runner.context(connection, newId('run'), { isOurs: () => true }, undefined, PATIENCE_MS)
    const { isPossible, because, until } = await action.wayBack(context, input)
    if (!isPossible) {
      throw new BrokerError(
        'conflict',
        `the run could not be undone: ${because ?? 'the target keeps nothing of what is there'}`,
        {
          field: 'does.input',
          fix: 'let the target keep what is there now',
        },
      )
    }
    const needed = Math.max(does.undoWithinSeconds, does.test?.withinSeconds ?? 0)
    const now = await databaseNow(this.database.pool)
    if (until === undefined || Date.parse(until) >= now.getTime() + needed * 1000) return
    throw new BrokerError('conflict', `the run could be undone only until ${until}, but it must be possible for ${needed} s`, {
      field: 'does.undoWithinSeconds',
      fix: 'let the target keep old values for longer, or choose a shorter undoWithinSeconds',
    })
  }
}

const placeOf = (id: string) => ({ table: 'rotations', row: id, column: 'sealed_input' })

/** What is wrong is named where it stands in the rotation. */
async function inDoes<T>(work: () => Promise<T>, field?: string): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof BrokerError) || (field ?? error.field) === undefined) throw error
    const { code, message, fix, cause, requestId, retryAfterMs } = error
    throw new BrokerError(code, message, { field: `does.${field ?? error.field}`, fix, cause, requestId, retryAfterMs })
  }
}
