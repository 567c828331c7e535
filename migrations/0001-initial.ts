import type { MigrationInterface, QueryRunner } from 'typeorm'
import { TRAIL } from './0001-trail.ts'

// Grant:   scheduled → provisioning → active → revoking → expired | revoked | failed, and stuck
// Run:     pending → executing → executed → undoing → undone | failed, and stuck
// Step:    planned → executing → executed → undoing → undone
// Request: pending → approved | rejected | cancelled | expired
const UP = `
create table installation (
  only_row boolean primary key default true constraint installation_is_one check (only_row),
  instance text not null constraint installation_instance_ten_digits check (instance ~ '^[1-9][0-9]{9}$'),
  created_at timestamptz not null default now()
);

create table users (
  id text primary key,
  name text not null constraint users_name_present check (name <> ''),
  email text,
  roles text[] not null default '{}'
    constraint users_roles_known check (roles <@ array['admin', 'owner', 'approver', 'auditor', 'member']),
  state text not null default 'active' constraint users_state_known check (state in ('active', 'disabled')),
  created_at timestamptz not null default now()
);
create unique index users_name_taken on users (lower(name));

create table groups (
  id text primary key,
  name text not null constraint groups_name_present check (name <> ''),
  created_at timestamptz not null default now()
);
create unique index groups_name_taken on groups (lower(name));

create table group_members (
  group_id text not null constraint group_members_of_a_group references groups (id) on delete cascade,
  user_id text not null constraint group_members_are_users references users (id) on delete cascade,
  primary key (group_id, user_id)
);
create index group_members_by_user on group_members (user_id);

create table api_tokens (
  id text primary key,
  user_id text not null constraint api_tokens_belong_to_a_user references users (id) on delete cascade,
  name text not null,
  hash text not null constraint api_tokens_hash_unique unique,
  scopes text[] not null
    constraint api_tokens_scopes_known check (scopes <@ array['read', 'request', 'approve', 'manage', 'audit'] and scopes <> '{}'),
  created_by text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  last_used_at timestamptz,
  constraint api_tokens_expire_after_creation check (expires_at > created_at)
);
create index api_tokens_by_user on api_tokens (user_id);

create table integrations (
  id text primary key,
  name text not null constraint integrations_name_readable check (name ~ '^[A-Za-z0-9][A-Za-z0-9 _-]{0,62}$'),
  plugin text not null,
  config jsonb not null,
  sealed text,
  state text not null default 'active' constraint integrations_state_known check (state in ('active', 'paused', 'removed')),
  access_details text constraint integrations_access_details_short check (length(access_details) <= 400),
  health jsonb,
  health_at timestamptz,
  guarantees jsonb,
  version int not null default 1,
  created_by text,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now()
);
create unique index integrations_name_taken on integrations (lower(name)) where state <> 'removed';

create table integration_secrets (
  integration_id text not null constraint integration_secrets_of_an_integration references integrations (id) on delete cascade,
  name text not null,
  sealed text not null,
  changed_at timestamptz not null default now(),
  primary key (integration_id, name)
);

create table resources (
  id text primary key,
  integration_id text not null constraint resources_of_an_integration references integrations (id) on delete cascade,
  type text not null,
  name text not null,
  folder text not null,
  attributes jsonb not null default '{}',
  tags jsonb not null default '{}',
  ungrantable text,
  first_seen_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  gone_at timestamptz,
  constraint resources_named_once unique (integration_id, type, name)
);
create index resources_in_folder on resources (integration_id, folder) where gone_at is null;
create index resources_by_name on resources (name, id) where gone_at is null;
create index resources_by_tag on resources using gin (tags jsonb_path_ops) where gone_at is null;

create table discovery_runs (
  id text primary key,
  integration_id text not null constraint discovery_runs_of_an_integration references integrations (id) on delete cascade,
  state text not null constraint discovery_runs_state_known check (state in ('running', 'completed', 'incomplete', 'failed')),
  phase text not null default 'names' constraint discovery_runs_phase_known check (phase in ('names', 'details')),
  frontier jsonb not null default '[""]',
  vanished jsonb not null default '[]',
  detail_cursor text,
  folders int not null default 0,
  found int not null default 0,
  added int not null default 0,
  changed int not null default 0,
  gone int not null default 0,
  returned int not null default 0,
  unreadable jsonb not null default '[]',
  notices jsonb not null default '[]',
  error jsonb,
  started_by text,
  started_at timestamptz not null default now(),
  checkpoint_at timestamptz not null default now(),
  ended_at timestamptz
);
create unique index discovery_one_at_a_time on discovery_runs (integration_id) where state = 'running';
create index discovery_runs_latest on discovery_runs (integration_id, started_at desc);

create table access_flows (
  id text primary key,
  name text not null constraint access_flows_name_present check (name <> ''),
  integration_id text not null constraint access_flows_of_an_integration references integrations (id),
  active boolean not null default true,
  version int not null default 1,
  created_by text,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now()
);
create unique index access_flows_name_taken on access_flows (lower(name));

create table access_flow_versions (
  flow_id text not null constraint access_flow_versions_of_a_flow references access_flows (id) on delete cascade,
  version int not null,
  rule jsonb not null,
  created_by text,
  created_at timestamptz not null default now(),
  primary key (flow_id, version)
);

create table access_requests (
  id text primary key,
  flow_id text not null,
  flow_version int not null,
  integration_id text not null constraint access_requests_of_an_integration references integrations (id),
  requester_id text not null constraint access_requests_of_a_user references users (id),
  state text not null constraint access_requests_state_known
    check (state in ('pending', 'approved', 'rejected', 'cancelled', 'expired')),
  seconds int not null constraint access_requests_last_a_while check (seconds > 0),
  approved_seconds int constraint access_requests_never_lengthened check (approved_seconds > 0 and approved_seconds <= seconds),
  justification text not null default '',
  delivery text not null constraint access_requests_delivery_known check (delivery in ('token', 'password')),
  extends_grant_id text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  decided_at timestamptz,
  constraint access_requests_pin_a_flow_version foreign key (flow_id, flow_version) references access_flow_versions (flow_id, version)
);
create index access_requests_by_requester on access_requests (requester_id, id);
create index access_requests_pending on access_requests (flow_id, id) where state = 'pending';
create unique index access_requests_one_extension_at_a_time on access_requests (extends_grant_id)
  where state = 'pending' and extends_grant_id is not null;

create table access_request_resources (
  request_id text not null constraint access_request_resources_of_a_request references access_requests (id) on delete cascade,
  resource_id text not null constraint access_request_resources_exist references resources (id),
  permissions text[] not null constraint access_request_resources_permit_something check (permissions <> '{}'),
  primary key (request_id, resource_id)
);
create index access_request_resources_by_resource on access_request_resources (resource_id);

create table approvals (
  id text primary key,
  request_id text not null constraint approvals_of_a_request references access_requests (id) on delete cascade,
  approver_id text not null constraint approvals_of_a_user references users (id),
  decision text not null constraint approvals_decision_known check (decision in ('approve', 'reject')),
  reason text not null default '',
  seconds int constraint approvals_seconds_positive check (seconds > 0),
  created_at timestamptz not null default now(),
  constraint approvals_once_per_person unique (request_id, approver_id)
);

create table action_runs (
  id text primary key,
  integration_id text not null constraint action_runs_of_an_integration references integrations (id),
  action text not null,
  input jsonb not null,
  state text not null default 'pending' constraint action_runs_state_known
    check (state in ('pending', 'executing', 'executed', 'undoing', 'undone', 'failed', 'stuck')),
  epoch bigint not null default 0,
  error jsonb,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  settled_at timestamptz
);

create table action_steps (
  run_id text not null constraint action_steps_of_a_run references action_runs (id) on delete cascade,
  position int not null,
  kind text not null,
  target text not null,
  summary text not null,
  args jsonb not null,
  sealed text,
  state text not null default 'planned' constraint action_steps_state_known
    check (state in ('planned', 'executing', 'executed', 'undoing', 'undone')),
  record jsonb,
  changed_at timestamptz not null default now(),
  primary key (run_id, position)
);

create table grants (
  id text primary key,
  request_id text not null constraint grants_one_per_request unique
    constraint grants_come_from_a_request references access_requests (id),
  integration_id text not null constraint grants_of_an_integration references integrations (id),
  grantee_id text not null constraint grants_of_a_user references users (id),
  run_id text not null constraint grants_one_per_run unique constraint grants_are_runs references action_runs (id),
  state text not null constraint grants_state_known
    check (state in ('scheduled', 'provisioning', 'active', 'revoking', 'stuck', 'expired', 'revoked', 'failed')),
  delivery text not null constraint grants_delivery_known check (delivery in ('token', 'password')),
  guarantee text constraint grants_guarantee_known check (guarantee in ('server', 'broker')),
  seconds int not null constraint grants_last_a_while check (seconds > 0),
  begins_at timestamptz,
  expires_at timestamptz,
  target_until timestamptz,
  extensions int not null default 0,
  end_reason text constraint grants_end_reason_known
    check (end_reason in ('expired', 'given_back', 'revoked', 'reported', 'failed', 'grantee_disabled')),
  ended_by text,
  end_note text,
  revoking_at timestamptz,
  cut_at timestamptz,
  ended_at timestamptz,
  receipt jsonb,
  error jsonb,
  created_at timestamptz not null default now(),
  constraint grants_expire_after_they_begin check (expires_at > begins_at),
  constraint grants_active_have_an_end check (state <> 'active' or expires_at is not null),
  constraint grants_final_have_ended check ((state in ('expired', 'revoked', 'failed')) = (ended_at is not null))
);
create index grants_by_grantee on grants (grantee_id, id);
create index grants_live on grants (expires_at) where state in ('scheduled', 'provisioning', 'active', 'revoking', 'stuck');

create table openings (
  id text primary key,
  grant_id text not null constraint openings_of_a_grant references grants (id) on delete cascade,
  opened_by text not null,
  delivery text not null constraint openings_delivery_known check (delivery in ('token', 'password')),
  state text not null constraint openings_state_known
    check (state in ('opening', 'delivered', 'collected', 'superseded', 'failed', 'ended')),
  trace jsonb,
  ends_at timestamptz,
  collect_by timestamptz,
  opened_at timestamptz not null default now(),
  collected_at timestamptz
);
create unique index openings_one_at_a_time on openings (grant_id) where state in ('opening', 'delivered', 'collected');
create index openings_by_grant on openings (grant_id, id);

create table due_work (
  id bigint generated always as identity primary key,
  lane text not null,
  kind text not null,
  subject text not null,
  shard text not null default '',
  run_at timestamptz not null,
  version int not null default 0,
  attempts int not null default 0,
  locked_by text,
  locked_until timestamptz,
  last_error text,
  constraint due_work_once_per_subject unique (kind, subject)
);
create index due_work_next on due_work (lane, run_at);
${TRAIL}`

const DOWN = `
drop table audit_chain, audit_head, audit_events, due_work, openings, grants, action_steps, action_runs, approvals,
  access_request_resources, access_requests, access_flow_versions, access_flows, discovery_runs, resources, integration_secrets,
  integrations, api_tokens, group_members, groups, users, installation;
drop function audit_link();
drop function audit_is_append_only();
`

export class Initial1763769600001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
