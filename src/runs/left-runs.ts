import { Injectable, type OnModuleInit } from '@nestjs/common'
import { hasUndo } from '../actions/action-of.ts'
import { Catalog } from '../catalog/catalog.ts'
import { Inhabitants } from '../integrations/inhabitants.ts'
import { selectRuns } from './ordered-run.ts'

/** Tells of runs that rest and have left something that is not wanted: they failed, or were to be taken back and were not. */
@Injectable()
export class LeftRuns implements OnModuleInit {
  constructor(
    private readonly inhabitants: Inhabitants,
    private readonly catalog: Catalog,
  ) {}

  onModuleInit(): void {
    this.inhabitants.register({
      one: 'run that left something',
      many: 'runs that left something',
      mayBeLeft: true,
      living: async (tx, integrationId) => {
        const unwanted = `(r.state = 'failed' and r."isLeft") or (r.state = 'executed' and o.problem is not null)`
        const runs = await selectRuns(tx, `o.integration_id = $1 and (${unwanted}) order by o.id desc`, [integrationId])
        // What no plugin knows any more cannot be taken back with the integration either.
        return runs.filter((run) => hasUndo(this.catalog, run))
      },
    })
  }
}
