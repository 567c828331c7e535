import type { MigrationInterface, QueryRunner } from 'typeorm'

// A target is sent to as it was when the order was accepted; and whether a person wanted it back is kept until its end is told.
const UP = `
alter table distribution_parts
  add column target_version int,
  add column asked_back boolean not null default false;
alter table distributions add column told_attempts int not null default 0;
update distributions set told_attempts = attempts where finished_at is not null;
`

const DOWN = `
alter table distributions drop column told_attempts;
alter table distribution_parts drop column target_version, drop column asked_back;
`

export class PinnedTargets1763769600025 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
