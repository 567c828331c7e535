import type { MigrationInterface, QueryRunner } from 'typeorm'

// What a request for an action asks for; its whole input is sealed until it is decided.
const UP = `
alter table access_requests
  add column action jsonb,
  add column sealed_input text,
  add constraint access_requests_name_their_action check ((kind = 'action') = (action is not null));
`

const DOWN = `
alter table access_requests drop column action, drop column sealed_input;
`

export class AskedActions1763769600021 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
