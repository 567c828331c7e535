import type { MigrationInterface, QueryRunner } from 'typeorm'

// What a person, a schedule or a distribution had done at a target. The run itself and its steps are the journal's.
const UP = `
alter table action_steps add column before jsonb;
create table ordered_runs (
  id text primary key,
  integration_id text not null,
  action text not null,
  reason text not null,
  ordered_by text,
  request_id text,
  approved jsonb,
  risk jsonb not null,
  concerns jsonb not null default '[]',
  writes text[] not null default '{}',
  undo_if_unverified boolean not null default true,
  done jsonb,
  problem jsonb,
  first_tried_at timestamptz,
  cancel jsonb,
  undo jsonb,
  undone jsonb,
  created_at timestamptz not null default now(),
  constraint ordered_runs_are_runs foreign key (id) references action_runs (id),
  constraint ordered_runs_of_an_integration foreign key (integration_id) references integrations (id),
  constraint ordered_runs_of_a_request foreign key (request_id) references access_requests (id),
  constraint ordered_runs_of_a_user foreign key (ordered_by) references users (id)
);
create index ordered_runs_by_integration on ordered_runs (integration_id, id);
alter table proposals drop constraint proposals_kind_known;
alter table proposals add constraint proposals_kind_known check (kind = any (array['flow.create', 'flow.change', 'integration.create',
  'integration.change', 'integration.own', 'integration.remove', 'integration.write_off', 'scim_token.create', 'scim_token.rotate', 'run.order', 'run.roll_back']));
`

const DOWN = `
delete from proposals where kind in ('run.order', 'run.roll_back');
alter table proposals drop constraint proposals_kind_known;
alter table proposals add constraint proposals_kind_known check (kind = any (array['flow.create', 'flow.change', 'integration.create',
  'integration.change', 'integration.own', 'integration.remove', 'integration.write_off', 'scim_token.create', 'scim_token.rotate']));
drop table ordered_runs;
alter table action_steps drop column before;
`

export class OrderedRuns1763769600016 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
