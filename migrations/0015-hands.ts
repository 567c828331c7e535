import type { MigrationInterface, QueryRunner } from 'typeorm'

// A code gives no scope that its maker came without; one of before was made with a token, or signed in with all of them.
const UP = `
alter table enrolment_codes add column scopes text[] not null default '{read,request,approve,manage,audit}';
update enrolment_codes c set scopes = t.scopes from api_tokens t where t.id = c.token_id;
create index api_tokens_by_maker on api_tokens using gin (makers);
`

const DOWN = `
drop index api_tokens_by_maker;
alter table enrolment_codes drop column scopes;
`

export class Hands1763769600015 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
