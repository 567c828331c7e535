import type { MigrationInterface, QueryRunner } from 'typeorm'

// How often the grant had been extended when this credential was minted: an older one ends before the grant does. And which process
// mints it: when that is gone, nobody waits for it.
const UP = `alter table openings add column extensions int not null default 0, add column held_by text`
const DOWN = `alter table openings drop column extensions, drop column held_by`

export class Openings1763769600011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
