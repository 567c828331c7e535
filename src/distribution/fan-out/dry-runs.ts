import { setTimeout as rest } from 'node:timers/promises'
import { Injectable } from '@nestjs/common'
import type { DistributionDryRun, NewDistributionDryRun } from '../../contract/distributions.ts'
import { problemOf } from '../../platform/http/problem-of.ts'
import { inParallel } from '../../platform/pacing/in-parallel.ts'
import { Database } from '../../platform/postgres/database.ts'
import { type Meant, Previews } from '../../runs/previews.ts'
import { riskOf } from '../../runs/risk.ts'
import type { Json } from '../../sdk/index.ts'
import type { Certificate } from '../certificates/certificate.ts'
import type { Target } from '../targets/target.ts'
import { type Fit, Fitting } from './fitting.ts'

/** Of more targets nobody reads what is there. */
const MOST_LOOKED_AT = 100
const AT_ONCE = 25
/** A target that is slow makes room for others after so long. */
const ROOM_AFTER_MS = 1_000
/** Somebody waits in front of a screen. */
const PATIENCE_MS = 12_000

type Shown = DistributionDryRun['targets'][number]

interface Look {
  readonly shown: Partial<Shown>
  /** why what is there could not be put back; absent: it could, or nobody knows */
  readonly forGood?: string | undefined
}

/** What stands at each target now, and what would be written there. Nothing is written, and no target that hangs delays the others. */
@Injectable()
export class DryRuns {
  constructor(
    private readonly database: Database,
    private readonly fitting: Fitting,
    private readonly previews: Previews,
  ) {}

  async dryRun(wanted: NewDistributionDryRun): Promise<DistributionDryRun> {
    return this.shown(await this.fitting.look(wanted))
  }

  async shown({ certificate, targets }: Fit): Promise<DistributionDryRun> {
    const found = new Map<string, Look>()
    const looks: Promise<void>[] = []
    const patience = rest(PATIENCE_MS, undefined, { ref: false })
    const isOver = patience.then(() => true)
    const asked = inParallel(targets.slice(0, MOST_LOOKED_AT), AT_ONCE, async (target) => {
      const look = this.look(target, certificate).then((saw) => void found.set(target.id, saw))
      looks.push(look)
      await Promise.race([look, rest(ROOM_AFTER_MS, undefined, { ref: false })])
    })
    await Promise.race([asked.then(() => Promise.all(looks)), isOver])
    const forGood = targets.flatMap(({ id, name }) => {
      const why = found.get(id)?.forGood
      return why === undefined ? [] : [{ name, why }]
    })
    const risk = await this.riskOf(certificate, targets, forGood)
    return {
      certificate: { id: certificate.id as `crt_${string}`, name: certificate.name, fingerprint: certificate.fingerprint },
      risk: { level: risk.level, reasons: [...risk.reasons] },
      reversible: forGood.length === 0,
      targets: targets.map((target, at) => ({
        id: target.id as Shown['id'],
        name: target.name,
        path: this.fitting.pathOf(target, certificate),
        now: null,
        summary: null,
        problem: null,
        ...(found.get(target.id)?.shown ?? { problem: at < MOST_LOOKED_AT ? LATE : TOO_MANY }),
      })),
    }
  }

  private async look(target: Target, certificate: Certificate): Promise<Look> {
    try {
      const meant = await this.meant(target, certificate)
      const [[step], forGood] = await Promise.all([this.previews.plan(meant), this.previews.whyForGood(meant)])
      return { shown: { now: (step?.before ?? null) as Json, summary: step?.summary ?? null }, forGood }
    } catch (error) {
      return { shown: { problem: problemOf(error) } }
    }
  }

  private meant(target: Target, certificate: Certificate): Promise<Meant> {
    const { action, input } = this.fitting.actionFor(target, certificate)
    return this.previews.look(target.integrationId, action, input, this.database.pool, 'distribution')
  }

  /** By how many targets there are: nobody has said of any whether it is production. */
  private async riskOf(certificate: Certificate, targets: readonly Target[], forGood: readonly { name: string; why: string }[]) {
    const meant = await this.meant(targets[0]!, certificate)
    const places = targets.map(({ name }) => ({ type: 'target', name, tags: undefined }))
    const [first] = forGood
    const words = first && `At ${forGood.length} of ${targets.length} it cannot be undone, as at ${first.name}: ${first.why}.`
    return riskOf(meant.action, meant.input, places, { name: certificate.name }, words)
  }
}

const LATE = { code: 'target.timeout', message: 'it did not answer in time, so nobody knows what is there' }
const TOO_MANY = { code: 'input.too_large', message: `only the first ${MOST_LOOKED_AT} targets are asked what is there` }
