import type { MigrationInterface, QueryRunner } from 'typeorm'

// People come from the identity provider: by signing in, by SCIM, or by hand. Their groups likewise, each membership with its source.
// Request: a stage at a time; approvals belong to a stage.
const UP = `
alter table users
  add column source text not null default 'local' constraint users_source_known check (source in ('local', 'sign_in', 'scim')),
  add column user_name text,
  add column external_id text,
  add column attributes jsonb not null default '{}',
  -- What SCIM said of somebody, to be told back. Stays when SCIM removes them; user_name and external_id do not.
  add column scim jsonb constraint users_scim_is_of_scim check (scim is null or source = 'scim'),
  add column manager_id text constraint users_manager_is_a_user references users (id) on delete set null,
  add column changed_at timestamptz not null default now();
-- Two people of a company may have one name; only those made by hand are told apart by it.
drop index users_name_taken;
create unique index users_name_taken on users (lower(name)) where source = 'local';
create unique index users_user_name_taken on users (lower(user_name));
create unique index users_external_id_taken on users (external_id);

create table identities (
  issuer text not null,
  subject text not null,
  user_id text not null constraint identities_belong_to_a_user references users (id) on delete cascade,
  claims jsonb not null default '{}',
  created_at timestamptz not null default now(),
  confirmed_at timestamptz not null default now(),
  primary key (issuer, subject)
);
create index identities_by_user on identities (user_id);

alter table groups
  add column source text not null default 'local' constraint groups_source_known check (source in ('local', 'sign_in', 'scim')),
  add column external_id text,
  add column changed_at timestamptz not null default now();
drop index groups_name_taken;
create unique index groups_name_taken on groups (source, lower(name));
create unique index groups_external_id_taken on groups (source, external_id);

-- What a sign-in said of somebody's groups counts for a while only; what SCIM or an admin said counts until they say otherwise.
alter table group_members add column confirmed_at timestamptz;

create table role_groups (
  role text not null constraint role_groups_role_known check (role in ('admin', 'owner', 'approver', 'auditor', 'member')),
  group_id text not null constraint role_groups_of_a_group references groups (id) on delete cascade,
  created_by text,
  created_at timestamptz not null default now(),
  primary key (role, group_id)
);

create table http_sessions (
  sid text primary key,
  sess json not null,
  expire timestamptz not null,
  -- From here on empty until somebody has signed in.
  id text constraint http_sessions_id_unique unique,
  user_id text constraint http_sessions_of_a_user references users (id) on delete cascade,
  issuer text,
  subject text,
  idp_sid text,
  sealed text,
  begun_at timestamptz not null default now()
);
create index http_sessions_expired on http_sessions (expire);
create index http_sessions_by_user on http_sessions (user_id);
create index http_sessions_by_idp_sid on http_sessions (issuer, idp_sid);

-- Each word of a provider that somebody has signed out counts once.
create table logout_tokens (
  issuer text not null,
  jti text not null,
  expires_at timestamptz not null,
  primary key (issuer, jti)
);

-- Everybody whose hand a token may be in: who made it, and who made the tokens it was made with.
alter table api_tokens add column makers text[] not null default '{}';
update api_tokens set makers = array[created_by] where created_by is not null;

create table scim_tokens (
  id text primary key,
  name text not null,
  hash text not null constraint scim_tokens_hash_unique unique,
  created_by text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  last_used_at timestamptz
);

alter table integrations
  add column owners jsonb,
  add column resource_owner jsonb,
  add constraint integrations_resource_owner_has_a_fallback check (resource_owner is null or owners is not null);

alter table access_requests
  add column stage int not null default 0 constraint access_requests_stage_counts check (stage >= 0),
  add column stage_since timestamptz not null default now(),
  add column escalated boolean not null default false,
  add column emergency boolean not null default false,
  add column fields jsonb not null default '{}',
  add column bundle_id text,
  -- Of the token it was asked with, if it was one.
  add column token_makers text[] not null default '{}';

alter table approvals add column stage int not null default 0;
alter table approvals drop constraint approvals_once_per_person;
alter table approvals add constraint approvals_once_per_person_and_stage unique (request_id, stage, approver_id);

create table bundles (
  id text primary key,
  name text not null constraint bundles_name_present check (name <> ''),
  description text not null default '',
  integration_id text not null constraint bundles_of_an_integration references integrations (id),
  created_by text,
  created_at timestamptz not null default now()
);
create unique index bundles_name_taken on bundles (lower(name));
create table bundle_resources (
  bundle_id text not null constraint bundle_resources_of_a_bundle references bundles (id) on delete cascade,
  resource_id text not null constraint bundle_resources_exist references resources (id),
  permissions text[] not null constraint bundle_resources_permit_something check (permissions <> '{}'),
  primary key (bundle_id, resource_id)
);

create table emergency_reviews (
  id text primary key,
  request_id text not null constraint emergency_reviews_once_per_request unique
    constraint emergency_reviews_of_a_request references access_requests (id),
  requester_id text not null,
  opened_at timestamptz not null default now(),
  closed_at timestamptz,
  closed_by text,
  note text,
  constraint emergency_reviews_closed_by_somebody_else check (closed_by is null or closed_by <> requester_id),
  constraint emergency_reviews_closed_by_a_person check ((closed_at is null) = (closed_by is null))
);

create table proposals (
  id text primary key,
  kind text not null constraint proposals_kind_known
    check (kind in ('flow.create', 'flow.change', 'integration.create', 'integration.change', 'integration.own', 'integration.remove')),
  subject text,
  body text not null,
  summary jsonb not null,
  proposer_id text not null constraint proposals_of_a_user references users (id),
  token_makers text[] not null default '{}',
  state text not null default 'open' constraint proposals_state_known check (state in ('open', 'accepted', 'declined', 'withdrawn')),
  created_at timestamptz not null default now(),
  decided_at timestamptz,
  decided_by text,
  constraint proposals_accepted_by_somebody_else check (state <> 'accepted' or decided_by <> proposer_id)
);

create table webhooks (
  id text primary key,
  name text not null constraint webhooks_name_present check (name <> ''),
  url text not null,
  events text[] not null,
  sealed text not null,
  sealed_before text,
  before_until timestamptz,
  active boolean not null default true,
  created_by text,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  constraint webhooks_former_secret_ends check ((sealed_before is null) = (before_until is null))
);
create unique index webhooks_name_taken on webhooks (lower(name));

create table notification_cursor (
  only_row boolean primary key default true constraint notification_cursor_is_one check (only_row),
  seq bigint not null
);
insert into notification_cursor (seq) select seq from audit_head;

create table notification_deliveries (
  id text primary key,
  event_id text not null,
  kind text not null,
  channel text not null constraint notification_deliveries_channel_known check (channel in ('email', 'webhook')),
  target text not null,
  state text not null default 'waiting' constraint notification_deliveries_state_known check (state in ('waiting', 'sent', 'dead')),
  attempts int not null default 0,
  last_error text,
  created_at timestamptz not null default now(),
  waiting_since timestamptz not null default now(),
  settled_at timestamptz,
  constraint notification_deliveries_once unique (event_id, kind, channel, target)
);
create index notification_deliveries_unsettled on notification_deliveries (state, channel) where state <> 'sent';
`

const DOWN = `
drop table notification_deliveries, notification_cursor, webhooks, proposals, emergency_reviews, bundle_resources, bundles;
alter table approvals drop constraint approvals_once_per_person_and_stage;
-- Without stages, a person approves once, and a name is one person's and one group's.
delete from approvals a using approvals o
  where a.request_id = o.request_id and a.approver_id = o.approver_id and (a.stage, a.id) > (o.stage, o.id);
alter table approvals drop column stage;
alter table approvals add constraint approvals_once_per_person unique (request_id, approver_id);
alter table access_requests drop column stage, drop column stage_since, drop column escalated, drop column emergency,
  drop column fields, drop column bundle_id, drop column token_makers;
alter table integrations drop constraint integrations_resource_owner_has_a_fallback, drop column owners, drop column resource_owner;
alter table api_tokens drop column makers;
drop table scim_tokens, logout_tokens, http_sessions, role_groups, identities;
alter table group_members drop column confirmed_at;
drop index groups_external_id_taken;
drop index groups_name_taken;
update groups g set name = name || ' (' || id || ')' where exists (select from groups o where lower(o.name) = lower(g.name) and o.id < g.id);
create unique index groups_name_taken on groups (lower(name));
alter table groups drop column source, drop column external_id, drop column changed_at;
drop index users_external_id_taken;
drop index users_user_name_taken;
drop index users_name_taken;
update users u set name = name || ' (' || id || ')' where exists (select from users o where lower(o.name) = lower(u.name) and o.id < u.id);
create unique index users_name_taken on users (lower(name));
alter table users drop column source, drop column user_name, drop column external_id, drop column attributes, drop column scim,
  drop column manager_id, drop column changed_at;
`

export class People1763769600002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
