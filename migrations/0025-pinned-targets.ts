import type { MigrationInterface, QueryRunner } from 'typeorm'

// A target is sent to as it was when the order was accepted; and whether a person wanted it back is kept until its end is told.
const UP = `
alter table distribution_parts
  add column target_version int,
  add column asked_back boolean not null default false;
alter table distributions add column told_attempts int not null default 0;
update distributions set told_attempts = attempts where finished_at is not null;
-- What is under way is looked for every few seconds, beside all that ever was.
create index action_runs_unfinished on action_runs (id) where state in ('pending', 'executing', 'undoing', 'stuck');
create index distributions_open on distributions (id) where finished_at is null;
`

const DOWN = `
drop index distributions_open;
drop index action_runs_unfinished;
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
