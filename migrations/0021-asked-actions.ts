import type { MigrationInterface, QueryRunner } from 'typeorm'

// What a request for an action asks for; its whole input is sealed until it is decided.
const UP = `
alter table access_requests
  add column action jsonb,
  add column sealed_input text,
  add constraint access_requests_name_their_action check ((kind = 'action') = (action is not null));
`

// An earlier version would take a request for an action for one for access: nobody must decide on it there.
const DOWN = `
update access_requests set state = 'cancelled', decided_at = now() where kind = 'action' and state = 'pending';
alter table access_requests drop column action, drop column sealed_input;
update access_requests set kind = 'access' where kind = 'action';
`

export class AskedActions1763769600021 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
