import type { MigrationInterface, QueryRunner } from 'typeorm'

// One human, one record: how SCIM calls the person who signs in, and the id under which SCIM knows a person who had one before.
// A request that nobody can decide on is known to be one.
const UP = `
alter table identities
  add column external_id text,
  add column external_id_claim text,
  add constraint identities_external_id_has_its_claim check ((external_id is null) = (external_id_claim is null));
create index identities_by_external_id on identities (issuer, external_id_claim, external_id);

alter table users
  -- The id SCIM was given for a person it brought a second time, while they had signed in already.
  add column scim_id text constraint users_scim_id_is_of_scim check (scim_id is null or source = 'scim');
create unique index users_scim_id_taken on users (coalesce(scim_id, id)) where user_name is not null;
create index users_by_scim_external_id on users ((scim->>'externalId')) where source = 'scim';

alter table access_requests add column undecidable_since timestamptz;
`

const DOWN = `
alter table access_requests drop column undecidable_since;
drop index users_by_scim_external_id;
drop index users_scim_id_taken;
alter table users drop column scim_id;
drop index identities_by_external_id;
alter table identities drop column external_id, drop column external_id_claim;
`

export class Directory1763769600006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
