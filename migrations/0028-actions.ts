import type { MigrationInterface, QueryRunner } from 'typeorm'

// A certificate may be replaced by itself: with the key or the chain that it lacked. That one was revoked is told once by its source.
const UP = `
drop index certificates_kept_once;
create unique index certificates_kept_once on certificates (fingerprint) where removed_at is null and replaced_by is null;
alter table certificate_sources add column told_revoked text;
-- Under which ids the target has what a step did there.
alter table action_steps add column calls jsonb;
`

const DOWN = `
alter table action_steps drop column calls;
alter table certificate_sources drop column told_revoked;
update certificates c set removed_at = now(), sealed = null where removed_at is null and replaced_by is not null
  and exists (select 1 from certificates o where o.fingerprint = c.fingerprint and o.removed_at is null and o.id > c.id);
update certificates c set removed_at = now(), sealed = null where removed_at is null and replaced_by is not null
  and exists (select 1 from certificates o where o.fingerprint = c.fingerprint and o.removed_at is null and o.id <> c.id);
drop index certificates_kept_once;
create unique index certificates_kept_once on certificates (fingerprint) where removed_at is null;
`

export class Actions1763769600028 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
