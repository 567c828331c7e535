import { Injectable, type OnModuleInit } from '@nestjs/common'
import { Inhabitants } from '../integrations/inhabitants.ts'
import { rows } from '../platform/postgres/database.ts'

/** Tells of runs that are under way in a target, there or back. */
@Injectable()
export class UnfinishedRuns implements OnModuleInit {
  constructor(private readonly inhabitants: Inhabitants) {}

  onModuleInit(): void {
    this.inhabitants.register({
      one: 'unfinished run',
      many: 'unfinished runs',
      living: (tx, integrationId) =>
        rows<{ id: string }>(
          tx,
          `select id from action_runs where integration_id = $1 and state in ('pending', 'executing', 'undoing', 'stuck')`,
          [integrationId],
        ),
    })
  }
}
