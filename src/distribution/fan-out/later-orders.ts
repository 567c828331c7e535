import { isDeepStrictEqual } from 'node:util'
import { Injectable } from '@nestjs/common'
import { RUN_FACTS, type RunFacts } from '../../actions/run-facts.ts'
import { isSameTarget } from '../../actions/whereabouts.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { ORDERED_FACTS } from '../../runs/ordered-run.ts'
import { BrokerError } from '../../sdk/index.ts'
import type { Target } from '../targets/target.ts'
import { type Fit, Fitting } from './fitting.ts'

type System = RunFacts['target']

/** Something that was sent, and by which target. */
interface Sent extends Pick<Target, 'plugin' | 'location'> {
  readonly distribution: string
  readonly targetId: string
  /** the target is as it was then */
  readonly isUnmoved: boolean
  /** where it was when it was sent, as its run says */
  readonly system: System
  readonly writes: readonly string[]
}

/** What was ordered later than a distribution, and stands at its targets already: by whichever target it went there. */
@Injectable()
export class LaterOrders {
  constructor(private readonly fitting: Fitting) {}

  /** Throws where sending it again would replace such a certificate, unless an admin says so of these very targets. */
  async mustMakeWay(tx: Tx, id: string, fit: Fit, { isNamed, needsTwo }: { isNamed: boolean; needsTwo: boolean }): Promise<void> {
    if (isNamed && !needsTwo) return
    const later = await this.standAt(tx, id, fit)
    if (!later) return
    const what = `the target ${later.target} has what ${later.distribution} sent there later`
    throw new BrokerError('conflict', needsTwo ? `${what}: one admin alone does not replace it` : what, {
      field: 'targetIds',
      fix: needsTwo
        ? 'order a new distribution to this target; a second admin accepts it'
        : 'name the targets to send to: with this one only where the older certificate is to stand there all the same',
    })
  }

  /**
   * One of them and its target, of those that were begun with since then; undefined: nothing. What failed and was left stands there, too.
   * @param system the one that answers at the targets; null: nobody asked
   */
  async standAt(
    tx: Tx,
    id: string,
    { certificate, targets }: Fit,
    { since = null, system = null }: { readonly since?: Date | null; readonly system?: System } = {},
  ): Promise<{ readonly target: string; readonly distribution: string } | undefined> {
    const places = targets.map((target) => ({ target, path: this.fitting.pathOf(target, certificate) }))
    const later = await rows<Sent>(
      tx,
      `select newer.id as distribution, p.target_id as "targetId", coalesce(p.target_version = t.version, false) as "isUnmoved",
         t.plugin, t.location, r.target as system, o.writes
       from distributions d join distributions newer on (newer.created_at, newer.id) > (d.created_at, d.id)
       join distribution_parts p on p.distribution_id = newer.id join distribution_targets t on t.id = p.target_id
       join ${RUN_FACTS} r on r.id = p.run_id join ${ORDERED_FACTS} o on o.id = p.run_id
       where d.id = $1 and o.writes && $2 and ($3::timestamptz is null or o."createdAt" > $3)
         and ($4::jsonb is null or r.target is null or r.target = $4 or p.target_id = any($5))
         and (r.state in ('executing', 'executed', 'undoing', 'stuck') or (r.state = 'failed' and r."isLeft"))
       order by newer.id desc`,
      [id, places.map(({ path }) => path), since, system && JSON.stringify(system), targets.map((target) => target.id)],
    )
    for (const sent of later) {
      const place = places.find(({ target, path }) => sent.writes.includes(path) && this.isAt(sent, target, system))
      if (place) return { target: place.target.name, distribution: sent.distribution }
    }
    return undefined
  }

  private isAt(sent: Sent, target: Target, system: System): boolean {
    if (sent.targetId === target.id && sent.isUnmoved) return true
    if (sent.system && system) return isSameTarget(sent.system, system)
    return isDeepStrictEqual(this.fitting.systemOf(sent), this.fitting.systemOf(target))
  }
}
