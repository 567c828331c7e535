import { setTimeout as rest } from 'node:timers/promises'
import { Injectable, type OnModuleInit } from '@nestjs/common'
import type { z } from 'zod'
import { record } from '../../audit/record.ts'
import type { ChangeKind } from '../../changes/change-kind.ts'
import { FourEyes } from '../../changes/four-eyes.ts'
import type { Held } from '../../changes/held.ts'
import {
  type DistributionOutlook,
  type DistributionRollback,
  type DistributionView,
  distributionRollback,
} from '../../contract/distributions.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { DueWork, enqueue } from '../../platform/due/due-work.ts'
import { inParallel } from '../../platform/pacing/in-parallel.ts'
import { Database, rows, type Tx } from '../../platform/postgres/database.ts'
import { TakingBack } from '../../runs/taking-back.ts'
import { BrokerError, isBrokerError } from '../../sdk/index.ts'
import {
  chosenOf,
  findDistribution,
  hasSettled,
  mayBePutBack,
  type Part,
  partsOf,
  shownDistribution,
  stateOf,
  workOf,
} from './distribution.ts'
import { wishFor } from './wishes.ts'

const ASKED_AT_ONCE = 10
/** Somebody waits in front of a screen. */
const PATIENCE_MS = 12_000

/** With the targets that were named; those that it leads to are written down beside them. */
const rollbackBody = distributionRollback.extend({ named: distributionRollback.shape.targetIds })
type RollbackBody = z.infer<typeof rollbackBody>

/** Puts targets back to what they had before a distribution. */
@Injectable()
export class PuttingBack implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly fourEyes: FourEyes,
    private readonly takingBack: TakingBack,
  ) {}

  onModuleInit(): void {
    this.fourEyes.register(this.rollingBack)
  }

  /** Whether each target can be put back; the targets are asked, and one that does not answer says so. */
  async outlook(id: string): Promise<DistributionOutlook> {
    await findDistribution(this.database.pool, id)
    const parts = await partsOf(this.database.pool, [id])
    const items: DistributionOutlook['items'] = []
    await inParallel(parts, ASKED_AT_ONCE, async (part) => {
      const found = await this.outlookOf(part)
      items.push({
        targetId: part.targetId as DistributionOutlook['items'][number]['targetId'],
        name: part.name,
        possible: found.isPossible,
        because: found.because ?? null,
        until: found.until ?? null,
        restores: found.restores.map(({ target, summary }) => ({ target, summary })),
        warnings: [...found.warnings],
      })
    })
    return { items: items.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
  }

  /** Puts targets back, all that have it or those that were chosen. What somebody wrote there since stays, and is said. */
  rollBack(caller: Caller, id: string, said: DistributionRollback): Promise<DistributionView | Held> {
    const { targetIds: named, ...rest } = said
    return this.fourEyes.once(this.rollingBack, id, { ...rest, named }, async () => {
      const chosen = await this.chosen(this.database.pool, id, named)
      // A second person says yes to these, and not to what has come since.
      const targetIds = chosen.map(({ targetId }) => targetId as `tgt_${string}`)
      return this.fourEyes.submit(caller, this.rollingBack, id, { ...rest, named, targetIds })
    })
  }

  private readonly rollingBack: ChangeKind<RollbackBody, DistributionView> = {
    kind: 'distribution.roll_back',
    roles: ['admin'],
    parse: (body) => rollbackBody.parse(body),
    repeatable: {
      keyOf: ({ idempotencyKey: key, reason, named }) =>
        key === undefined ? undefined : { key, body: { reason, named: named ?? 'all' } },
      idOf: ({ id }) => id,
      find: (id) => shownDistribution(this.database.pool, id),
    },
    summary: async (id, { reason, targetIds }) => {
      const { certificate } = await findDistribution(this.database.pool, id!)
      const chosen = await this.chosen(this.database.pool, id!, targetIds)
      const warnings = await this.warningsOf(chosen)
      return {
        certificate: { ...certificate },
        targets: chosen.map(({ name }) => name),
        reason,
        ...(warnings.length > 0 && { warnings }),
      }
    },
    prepare: async (by, id, word) => ({
      write: (tx) => this.wish(tx, by, id!, word),
      afterwards: () => this.work.wake('run'),
    }),
  }

  private async wish(tx: Tx, by: string, id: string, { reason, targetIds }: RollbackBody): Promise<DistributionView> {
    await findDistribution(tx, id, 'for update')
    const targets = (await this.chosen(tx, id, targetIds)).map(({ targetId }) => targetId)
    await wishFor(tx, id, targets, { is: 'undo', by, reason })
    await rows(tx, 'update distributions set finished_at = null where id = $1', [id])
    await record(tx, { kind: 'distribution.undoing', actor: by, subject: id, data: { reason, targets } })
    await enqueue(tx, [workOf(id)])
    return shownDistribution(tx, id)
  }

  private async chosen(tx: Tx, id: string, targetIds: readonly string[] | undefined): Promise<readonly Part[]> {
    await findDistribution(tx, id)
    const parts = await partsOf(tx, [id])
    if (targetIds === undefined && !parts.every(hasSettled)) {
      throw new BrokerError('conflict', 'some targets are still being written to', {
        fix: 'cancel the distribution first, or name the targets to roll back',
      })
    }
    const wanted = chosenOf(parts, targetIds)
    const chosen = wanted.filter(mayBePutBack)
    if (chosen.length > 0) return chosen
    const why = wanted
      .filter(({ isRemoved, isForgotten }) => isRemoved || isForgotten)
      .map((part) => `${part.name}: ${whyNothing(part)}`)
    const nothing = 'nothing of this distribution can be put back at these targets'
    throw new BrokerError('conflict', why.length > 0 ? `${nothing}: ${why.join('; ')}` : NOTHING_THERE, {
      fix: 'look at the state of each target',
    })
  }

  /** What the second person is to know of what would come back. A target that hangs does not keep the proposal from being made. */
  private async warningsOf(parts: readonly Part[]): Promise<string[]> {
    const found = new Map<string, readonly string[]>()
    const asked = inParallel(parts, ASKED_AT_ONCE, async (part) => {
      found.set(part.targetId, (await this.outlookOf(part)).warnings)
    })
    await Promise.race([asked, rest(PATIENCE_MS, undefined, { ref: false })])
    return parts.flatMap(({ targetId, name }) => {
      const said = found.get(targetId)
      return said ? said.map((each) => `${name}: ${each}`) : [`${name}: it did not answer, so nobody knows what would come back.`]
    })
  }

  private async outlookOf(part: Part) {
    const not = (because: string) => ({ isPossible: false, because, until: undefined, restores: [], warnings: [] })
    if (part.runId === null || !mayBePutBack(part)) return not(whyNothing(part))
    try {
      return await this.takingBack.outlook(part.runId)
    } catch (error) {
      if (!isBrokerError(error)) throw error
      return not(error.message)
    }
  }
}

const NOTHING_THERE = 'nothing of this distribution is at these targets'

function whyNothing(part: Part): string {
  if (part.isRemoved) return 'the target was removed'
  if (part.isForgotten) return 'it failed so long ago that it is no longer known whether something of it is there'
  const state = stateOf(part)
  return state === 'failed' ? 'it failed, and nothing of it is there' : `it is ${state.replace('_', ' ')} there`
}
