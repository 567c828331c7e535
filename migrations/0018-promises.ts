import type { MigrationInterface, QueryRunner } from 'typeorm'

// A webhook tells on only while whoever made it, or switched it on, may do so, and the token they did it with was not revoked. Of one from
// before nobody knows more than who made it.
const UP = `
alter table webhooks
  add column makers text[] not null default '{}',
  add column made_with text,
  add column paused_because text,
  add constraint webhooks_paused_is_off check (paused_because is null or not active);
update webhooks set makers = array[created_by] where created_by is not null;
`

const DOWN = `
alter table webhooks drop column makers, drop column made_with, drop column paused_because;
`

export class Promises1763769600018 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
