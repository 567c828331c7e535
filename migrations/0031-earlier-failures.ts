import type { MigrationInterface, QueryRunner } from 'typeorm'

// Why a run failed stood in its problem alone before there was a column for it.
const UP = `
update ordered_runs o set failure = o.problem from action_runs r
  where r.id = o.id and o.failure is null and o.problem is not null
    and (r.state = 'failed' or (r.state in ('undoing', 'stuck', 'undone') and o.undo is not null and o.undo->>'by' is null));
`

export class EarlierFailures1763769600031 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  /** Nothing: the column goes with the migration before this one. */
  async down(): Promise<void> {}
}
