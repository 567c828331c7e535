import type { MigrationInterface, QueryRunner } from 'typeorm'

// A code gives no scope that its maker came without; one of before was made with a token, or signed in with all of them. A SCIM token ends with
// the token it was made with, and with those it was rotated into and from; of who has seen one of before, nobody knows more than its makers.
const UP = `
alter table enrolment_codes add column scopes text[] not null default '{read,request,approve,manage,audit}';
update enrolment_codes c set scopes = t.scopes from api_tokens t where t.id = c.token_id;
create index api_tokens_by_maker on api_tokens using gin (makers);
alter table scim_tokens
  add column parent_id text,
  add column rotated_from text,
  add column told_to text[] not null default '{}',
  add constraint scim_tokens_made_with_a_token foreign key (parent_id) references api_tokens (id) on delete cascade,
  add constraint scim_tokens_rotated_from_another foreign key (rotated_from) references scim_tokens (id) on delete set null;
update scim_tokens set told_to = makers;
create index scim_tokens_by_parent on scim_tokens (parent_id);
`

const DOWN = `
alter table scim_tokens drop column parent_id, drop column rotated_from, drop column told_to;
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
