import { isDeepStrictEqual } from 'node:util'
import { Injectable, type OnModuleInit } from '@nestjs/common'
import { RUN_FACTS } from '../../actions/run-facts.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { CarryingOut, type Earlier } from '../../runs/carrying-out.ts'
import { ORDERED_FACTS, type OrderedRun } from '../../runs/ordered-run.ts'
import type { Target } from '../targets/target.ts'
import { Fitting } from './fitting.ts'

type Place = Pick<Target, 'plugin' | 'location'>

/** What was ordered for one place goes there in turn, although two targets lead there. */
@Injectable()
export class InTurn implements OnModuleInit {
  constructor(
    private readonly runs: CarryingOut,
    private readonly fitting: Fitting,
  ) {}

  onModuleInit(): void {
    this.runs.afterOthers('distribution', (tx, run) => this.earlierThan(tx, run))
  }

  private async earlierThan(tx: Tx, { id, writes }: OrderedRun): Promise<Earlier | undefined> {
    const others = await rows<Place & Earlier & { readonly mine: Place }>(
      tx,
      `select o.id, t.plugin, t.location, (select min(thing) from unnest(o.writes) as thing where thing = any($2)) as resource,
         json_build_object('plugin', own.plugin, 'location', own.location) as mine
       from distribution_parts p join distribution_targets own on own.id = p.target_id join ${ORDERED_FACTS} me on me.id = p.run_id
       join distributions d on d.id <> p.distribution_id and d.finished_at is null
       join distribution_parts other on other.distribution_id = d.id and other.target_id <> p.target_id
       join distribution_targets t on t.id = other.target_id
       join ${RUN_FACTS} r on r.id = other.run_id join ${ORDERED_FACTS} o on o.id = other.run_id
       where p.run_id = $1 and r.state in ('pending', 'executing') and o.writes && $2
         and (o."createdAt", o.id) < (me."createdAt", me.id)`,
      [id, writes],
    )
    return others.find((other) => isDeepStrictEqual(this.fitting.systemOf(other), this.fitting.systemOf(other.mine)))
  }
}
