import type { MigrationInterface, QueryRunner } from 'typeorm'

// Which grants of an integration ended of late is asked every few seconds, beside all that ever ended.
const UP = `
create index grants_ended on grants (integration_id, ended_at) where ended_at is not null;
`

const DOWN = `
drop index grants_ended;
`

export class Ends1763769600023 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
