import type { MigrationInterface, QueryRunner } from 'typeorm'

const KINDS = `', ''rotation.create''::text, ''rotation.change''::text, ''rotation.remove''::text'`

// What is done over and over by a schedule, and each time that it was due. The runs are those of ordered_runs.
const UP = `
create table rotations (
  id text primary key,
  name text not null,
  does jsonb not null,
  sealed_input text,
  integration_id text,
  schedule jsonb not null,
  windows jsonb not null default '[]',
  jitter_seconds int not null default 0,
  active boolean not null,
  version int not null default 1,
  next_at timestamptz,
  starts_at timestamptz,
  asked jsonb,
  removed_at timestamptz,
  created_by text,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  constraint rotations_of_an_integration foreign key (integration_id) references integrations (id),
  constraint rotations_of_a_user foreign key (created_by) references users (id),
  constraint rotations_come_next_while_active check ((next_at is not null) = (active and removed_at is null)),
  constraint rotations_start_when_they_come check ((starts_at is null) = (next_at is null)),
  constraint rotations_run_through_an_integration check ((integration_id is not null) = (does ->> 'kind' = 'run'))
);
create unique index rotations_name_taken on rotations (name) where removed_at is null;
create index rotations_by_next on rotations (starts_at) where starts_at is not null;
create table rotation_turns (
  id text primary key,
  rotation_id text not null,
  due_at timestamptz not null,
  state text not null,
  missed int not null default 0,
  asked_by text,
  run_id text,
  problem jsonb,
  tested_since timestamptz,
  done_by text,
  note text,
  created_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz,
  constraint rotation_turns_of_a_rotation foreign key (rotation_id) references rotations (id),
  constraint rotation_turns_are_runs foreign key (run_id) references action_runs (id),
  constraint rotation_turns_asked_by_a_user foreign key (asked_by) references users (id),
  constraint rotation_turns_done_by_a_user foreign key (done_by) references users (id),
  constraint rotation_turns_once_for_each_moment unique (rotation_id, due_at),
  constraint rotation_turns_state_known check (state = any (array['waiting', 'done', 'running', 'testing', 'finished', 'undoing', 'undone',
    'failed', 'refused'])),
  constraint rotation_turns_settled_at_their_end check ((settled_at is not null) = (state = any (array['done', 'finished', 'undone', 'failed',
    'refused'])))
);
create unique index rotation_turns_one_at_a_time on rotation_turns (rotation_id) where settled_at is null;
do $$ begin
  execute (select 'alter table proposals drop constraint proposals_kind_known, add constraint proposals_kind_known '
    || replace(pg_get_constraintdef(oid), '])', ${KINDS} || '])') from pg_constraint where conname = 'proposals_kind_known');
end $$;
`

const DOWN = `
delete from due_work where kind like 'rotation.%';
delete from proposals where kind like 'rotation.%';
do $$ begin
  execute (select 'alter table proposals drop constraint proposals_kind_known, add constraint proposals_kind_known '
    || replace(pg_get_constraintdef(oid), ${KINDS}, '') from pg_constraint where conname = 'proposals_kind_known');
end $$;
drop table rotation_turns;
drop table rotations;
`

export class Rotations1763769600020 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
