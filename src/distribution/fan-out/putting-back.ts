import { Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import type { DistributionOutlook, DistributionView, DistributionWord } from '../../contract/distributions.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { enqueue } from '../../platform/due/due-work.ts'
import { inParallel } from '../../platform/pacing/in-parallel.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { TakingBack } from '../../runs/taking-back.ts'
import { BrokerError, isBrokerError } from '../../sdk/index.ts'
import { chosenOf, findDistribution, type Part, partsOf, stateOf, viewOf, workOf } from './distribution.ts'

const ASKED_AT_ONCE = 10

/** Puts targets back to what they had before a distribution. */
@Injectable()
export class PuttingBack {
  constructor(
    private readonly database: Database,
    private readonly takingBack: TakingBack,
  ) {}

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
        restores: found.restores.map((each) => ({ ...each })),
      })
    })
    return { items: items.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
  }

  /** Puts targets back, all that have it or those that were chosen. What somebody wrote there since stays, and is said. */
  async rollBack(caller: Caller, id: string, { reason, targetIds }: DistributionWord): Promise<DistributionView> {
    await findDistribution(this.database.pool, id)
    const chosen = chosenOf(await partsOf(this.database.pool, [id]), targetIds).filter((part) => stateOf(part) === 'verified')
    if (chosen.length === 0) {
      throw new BrokerError('conflict', 'none of these targets has it', { fix: 'look at where each target stands' })
    }
    await this.database.transaction(async (tx) => {
      await rows(tx, 'update distributions set finished_at = null where id = $1', [id])
      const targets = chosen.map(({ targetId }) => targetId)
      await record(tx, { kind: 'distribution.undoing', actor: caller.id, subject: id, data: { reason, targets } })
      await enqueue(tx, [workOf(id)])
    })
    for (const { runId } of chosen) {
      await this.takingBack.orderedBack(caller.id, runId!, reason).catch((error: unknown) => {
        if (!isBrokerError(error, 'conflict')) throw error // somebody else was first
      })
    }
    return viewOf(await findDistribution(this.database.pool, id), await partsOf(this.database.pool, [id]))
  }

  private async outlookOf(part: Part) {
    const not = (because: string) => ({ isPossible: false, because, until: undefined, restores: [] })
    if (part.isRemoved) return not('the target was removed')
    if (part.runId === null || stateOf(part) !== 'verified') return not(`it is ${stateOf(part).replace('_', ' ')} there`)
    try {
      return await this.takingBack.outlook(part.runId)
    } catch (error) {
      if (!isBrokerError(error)) throw error
      return not(error.message)
    }
  }
}
