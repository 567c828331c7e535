import type { MigrationInterface, QueryRunner } from 'typeorm'

const KINDS = `', ''certificate_source.create''::text'`

// Where certificates come from over and over. What was pulled or issued is a certificate as any other; its successor replaces it.
const UP = `
create table certificate_sources (
  id text primary key,
  name text not null,
  origin jsonb not null,
  integration_id text not null,
  variables jsonb not null default '{}',
  chain jsonb,
  next_at timestamptz,
  run_id text,
  sealed_key text,
  problem jsonb,
  failing_since timestamptz,
  told boolean not null default false,
  created_by text not null,
  created_at timestamptz not null default now(),
  removed_at timestamptz,
  constraint certificate_sources_of_an_integration foreign key (integration_id) references integrations (id),
  constraint certificate_sources_of_a_user foreign key (created_by) references users (id),
  constraint certificate_sources_issue_by_a_run foreign key (run_id) references action_runs (id),
  constraint certificate_sources_have_a_key_while_issuing check ((run_id is null) = (sealed_key is null)),
  constraint certificate_sources_rest_when_removed check (removed_at is null or (sealed_key is null and next_at is null)),
  constraint certificate_sources_fail_since_then check ((problem is null) = (failing_since is null))
);
create unique index certificate_sources_name_taken on certificate_sources (lower(name)) where removed_at is null;
create index certificate_sources_by_next on certificate_sources (next_at) where next_at is not null;
alter table certificates
  add column source_id text constraint certificates_of_a_source references certificate_sources (id),
  add column run_id text constraint certificates_issued_by_a_run references action_runs (id),
  add column replaced_by text constraint certificates_replaced_by_another references certificates (id) deferrable initially deferred;
create unique index certificates_one_current_of_a_source on certificates (source_id) where replaced_by is null and removed_at is null;
alter table distributions
  add column source_id text constraint distributions_ordered_by_a_source references certificate_sources (id);
do $$ begin
  execute (select 'alter table proposals drop constraint proposals_kind_known, add constraint proposals_kind_known '
    || replace(pg_get_constraintdef(oid), '])', ${KINDS} || '])') from pg_constraint where conname = 'proposals_kind_known');
end $$;
`

const DOWN = `
delete from due_work where kind = 'certificate.renew';
delete from proposals where kind = 'certificate_source.create';
do $$ begin
  execute (select 'alter table proposals drop constraint proposals_kind_known, add constraint proposals_kind_known '
    || replace(pg_get_constraintdef(oid), ${KINDS}, '') from pg_constraint where conname = 'proposals_kind_known');
end $$;
alter table distributions drop column source_id;
drop index certificates_one_current_of_a_source;
alter table certificates drop column replaced_by, drop column run_id, drop column source_id;
drop table certificate_sources;
`

export class CertificateSources1763769600026 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
