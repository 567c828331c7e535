import type { MigrationInterface, QueryRunner } from 'typeorm'

// A kept secret belongs to the destination it was kept for; '' is one of before, which the daemon binds when it starts.
const UP = `
alter table integration_secrets
  add column destination text not null default '',
  drop constraint integration_secrets_pkey,
  add constraint integration_secrets_pkey primary key (integration_id, name, destination);
`

// What is bound to a destination is not opened by a daemon of before.
const DOWN = `
delete from integration_secrets where destination <> '';
alter table integration_secrets
  drop constraint integration_secrets_pkey,
  drop column destination,
  add constraint integration_secrets_pkey primary key (integration_id, name);
`

export class Doors1763769600009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
