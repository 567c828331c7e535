import type { MigrationInterface, QueryRunner } from 'typeorm'

// How often the grant had been extended when this credential was minted: an older one ends before the grant does.
const UP = `alter table openings add column extensions int not null default 0`
const DOWN = `alter table openings drop column extensions`

export class Openings1763769600011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
