import type { MigrationInterface, QueryRunner } from 'typeorm'

// Since when some replica cannot keep its login at a target, when one last said so, and whether people were told of it.
const UP = `
alter table integrations
  add column session_lost_since timestamptz,
  add column session_lost_seen timestamptz,
  add column session_lost_told boolean not null default false,
  add constraint integrations_session_lost check (
    (session_lost_since is null) = (session_lost_seen is null) and (session_lost_since is not null or not session_lost_told));
`

const DOWN = `
alter table integrations
  drop constraint integrations_session_lost,
  drop column session_lost_told,
  drop column session_lost_seen,
  drop column session_lost_since;
`

export class LostSessions1763769600029 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
