import type { MigrationInterface, QueryRunner } from 'typeorm'

// A run knows the system it was made in. What a sweep found is kept until it is gone or confirmed. A sign left in each target shows
// when an earlier state of it was put back.
const UP = `
alter table action_runs add column target jsonb;
alter table grants add column suspected_at timestamptz;
alter table integrations
  add column sign text,
  add column sign_left_at timestamptz,
  add column sign_looked_at timestamptz,
  add constraint integrations_sign_has_its_time check ((sign is null) = (sign_left_at is null));

create table foreign_pieces (
  integration_id text not null constraint foreign_pieces_lie_in_an_integration references integrations (id) on delete cascade,
  artefact text not null,
  found_at timestamptz not null default clock_timestamp(),
  primary key (integration_id, artefact)
);
`

const DOWN = `
drop table foreign_pieces;
alter table integrations drop constraint integrations_sign_has_its_time, drop column sign, drop column sign_left_at, drop column sign_looked_at;
alter table grants drop column suspected_at;
alter table action_runs drop column target;
`

export class Proof1763769600008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
