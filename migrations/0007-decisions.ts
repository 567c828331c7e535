import type { MigrationInterface, QueryRunner } from 'typeorm'

// What a plugin delivers is the plugin's to name.
const UP = `
alter table access_requests drop constraint access_requests_delivery_known;
alter table grants drop constraint grants_delivery_known;
alter table openings drop constraint openings_delivery_known;
`

const DOWN = `
alter table openings add constraint openings_delivery_known check (delivery in ('token', 'password'));
alter table grants add constraint grants_delivery_known check (delivery in ('token', 'password'));
alter table access_requests add constraint access_requests_delivery_known check (delivery in ('token', 'password'));
`

export class Decisions1763769600007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
