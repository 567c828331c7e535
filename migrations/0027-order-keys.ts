import type { MigrationInterface, QueryRunner } from 'typeorm'

// Orders that were given a key, and what came of each: the same key again is the same order.
const UP = `
create table order_keys (
  kind text not null,
  scope text not null,
  key text not null,
  digest text not null,
  made text not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint order_keys_once primary key (kind, scope, key)
);
create index order_keys_by_what_was_made on order_keys (made);
`

const DOWN = `
drop table order_keys;
`

export class OrderKeys1763769600027 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
