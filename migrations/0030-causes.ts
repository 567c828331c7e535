import type { MigrationInterface, QueryRunner } from 'typeorm'

// Why a run failed, which stays when it is taken back; and when a person last had a part of a distribution sent once more.
const UP = `
alter table ordered_runs add column failure jsonb;
alter table distribution_parts add column resumed_at timestamptz;
`

const DOWN = `
alter table distribution_parts drop column resumed_at;
alter table ordered_runs drop column failure;
`

export class Causes1763769600030 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
