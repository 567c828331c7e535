import type { MigrationInterface, QueryRunner } from 'typeorm'

// A step says itself whether it confers power. What was planned before, or by an older daemon, says nothing: there it is the last.
// A run keeps who or what started it, the run it is a part of, and the key by which the same order is told from another one; an input
// with a secret in it is sealed until it is planned. One run at a time changes a resource.
const UP = `
alter table action_steps add column confers_power boolean;

alter table action_runs
  add column started_by jsonb,
  add column parent_run text constraint action_runs_part_of references action_runs (id),
  add column idempotency_key text,
  add column input_digest text,
  add column sealed_input text,
  add constraint action_runs_once_for_each_order unique (integration_id, action, idempotency_key),
  add constraint action_runs_keys_tell_inputs_apart check ((idempotency_key is null) = (input_digest is null));
create index action_runs_by_parent on action_runs (parent_run) where parent_run is not null;

create table action_locks (
  integration_id text not null constraint action_locks_of_an_integration references integrations (id),
  resource text not null,
  run_id text not null constraint action_locks_of_a_run references action_runs (id) on delete cascade,
  since timestamptz not null default now(),
  constraint action_locks_one_run_per_resource primary key (integration_id, resource)
);
create index action_locks_by_run on action_locks (run_id)`
const DOWN = `
drop table action_locks;
alter table action_runs drop column started_by, drop column parent_run, drop column idempotency_key, drop column input_digest,
  drop column sealed_input;
alter table action_steps drop column confers_power`

export class Runs1763769600014 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
