import type { MigrationInterface, QueryRunner } from 'typeorm'

const KINDS = `', ''target_credential.create''::text, ''target_credential.change''::text, ''target.create''::text, ''target.change''::text, ''distribution.order''::text, ''distribution.roll_back''::text'`

// Others add kinds of their own: the rule is changed as it stands.
const kinds = (changed: string) => `
do $$ begin
  execute (select 'alter table proposals drop constraint proposals_kind_known, add constraint proposals_kind_known '
    || ${changed} from pg_constraint where conname = 'proposals_kind_known');
end $$;
`

// A target's connection is a row of integrations, so that runs go through it as through any other; it serves nothing else.
const UP = `
alter table integrations
  add column serves text not null default 'access' constraint integrations_serve_something check (serves in ('access', 'distribution'));
drop index integrations_name_taken;
create unique index integrations_name_taken on integrations (lower(name), serves) where state <> 'removed';
alter table ordered_runs
  add column on_behalf_of text constraint ordered_runs_on_behalf_of_a_user references users (id);
create table certificates (
  id text primary key,
  name text not null,
  subject text not null,
  issuer text not null,
  common_name text,
  domains jsonb not null,
  serial text not null,
  fingerprint text not null,
  key_type text not null,
  certificate_pem text not null,
  chain_pem text not null,
  chain jsonb not null,
  sealed text,
  variables jsonb not null default '{}',
  not_before timestamptz not null,
  not_after timestamptz not null,
  reminded_days int,
  created_by text not null,
  created_at timestamptz not null default now(),
  removed_at timestamptz,
  constraint certificates_last_a_while check (not_before < not_after),
  constraint certificates_keep_no_key_when_removed check (removed_at is null or sealed is null),
  constraint certificates_of_a_user foreign key (created_by) references users (id)
);
create unique index certificates_kept_once on certificates (fingerprint) where removed_at is null;
create index certificates_by_end on certificates (not_after, id) where removed_at is null;
create table target_credentials (
  id text primary key,
  name text not null,
  plugin text not null,
  login jsonb not null,
  sealed text,
  destinations jsonb not null,
  version int not null default 1,
  created_by text not null,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  removed_at timestamptz,
  constraint target_credentials_removed_without_secrets check (removed_at is null or sealed is null),
  constraint target_credentials_of_a_user foreign key (created_by) references users (id)
);
create unique index target_credentials_name_taken on target_credentials (lower(name)) where removed_at is null;
create table distribution_targets (
  id text primary key,
  name text not null,
  plugin text not null,
  credential_id text not null,
  integration_id text not null,
  location jsonb not null,
  version int not null default 1,
  created_by text not null,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  removed_at timestamptz,
  constraint distribution_targets_of_a_credential foreign key (credential_id) references target_credentials (id),
  constraint distribution_targets_own_a_connection foreign key (integration_id) references integrations (id),
  constraint distribution_targets_one_connection_each unique (integration_id),
  constraint distribution_targets_of_a_user foreign key (created_by) references users (id)
);
create unique index distribution_targets_name_taken on distribution_targets (lower(name)) where removed_at is null;
create index distribution_targets_by_credential on distribution_targets (credential_id);
create table distributions (
  id text primary key,
  certificate_id text not null,
  reason text not null,
  batch_size int not null,
  undo_if_unverified boolean not null,
  ordered_by text not null,
  sent_by text not null,
  attempts int not null default 1,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint distributions_of_a_certificate foreign key (certificate_id) references certificates (id),
  constraint distributions_of_a_user foreign key (ordered_by) references users (id),
  constraint distributions_sent_by_a_user foreign key (sent_by) references users (id),
  constraint distributions_batches_small check (batch_size between 1 and 25)
);
create table distribution_parts (
  distribution_id text not null,
  target_id text not null,
  position int not null,
  run_id text,
  problem jsonb,
  wish jsonb,
  constraint distribution_parts_pkey primary key (distribution_id, target_id),
  constraint distribution_parts_of_a_distribution foreign key (distribution_id) references distributions (id) on delete cascade,
  constraint distribution_parts_of_a_target foreign key (target_id) references distribution_targets (id),
  constraint distribution_parts_of_a_run foreign key (run_id) references action_runs (id)
);
create unique index distribution_parts_by_run on distribution_parts (run_id) where run_id is not null;
create index distribution_parts_by_target on distribution_parts (target_id);
${kinds(`replace(pg_get_constraintdef(oid), '])', ${KINDS} || '])')`)}
`

// What a target's connection had done stays in the journal, without the target.
const DOWN = `
delete from proposals where kind in ('target_credential.create', 'target_credential.change', 'target.create', 'target.change', 'distribution.order', 'distribution.roll_back');
${kinds(`replace(pg_get_constraintdef(oid), ${KINDS}, '')`)}
delete from due_work where kind in ('distribution.advance', 'certificate.expiry');
drop table distribution_parts;
drop table distributions;
drop table distribution_targets;
drop table target_credentials;
drop table certificates;
alter table ordered_runs drop column on_behalf_of;
update integrations set state = 'removed', sealed = null where serves = 'distribution';
drop index integrations_name_taken;
create unique index integrations_name_taken on integrations (lower(name)) where state <> 'removed';
alter table integrations drop column serves;
`

export class Distribution1763769600019 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
