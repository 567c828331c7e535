import type { MigrationInterface, QueryRunner } from 'typeorm'

// A token ends with the one it was made with, and what somebody else made for its person does not act for them.
const UP = `
alter table api_tokens
  add column parent_id text constraint api_tokens_made_with_a_token references api_tokens (id) on delete cascade,
  -- Made by somebody else than its person, or with a token that was.
  add column delegated boolean not null default false;
-- The broker is nobody's hand.
update api_tokens set makers = array_remove(makers, 'broker') where 'broker' = any(makers);
create index api_tokens_by_parent on api_tokens (parent_id);
update api_tokens set delegated = true
where exists (select from unnest(makers) as m (maker) where maker not in (user_id, 'broker'));

-- When the provider last said no to somebody, or that they have signed out everywhere.
alter table identities add column refused_at timestamptz;

create table enrolment_codes (
  id text primary key,
  user_id text not null constraint enrolment_codes_for_a_user references users (id) on delete cascade,
  hash text not null constraint enrolment_codes_hash_unique unique,
  created_by text not null,
  -- Everybody who may have it in hand besides its person: who made it, and who made the token it was made with.
  makers text[] not null,
  token_id text constraint enrolment_codes_made_with_a_token references api_tokens (id) on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  redeemed_at timestamptz,
  withdrawn_at timestamptz,
  constraint enrolment_codes_are_short_lived check (expires_at <= created_at + interval '7 days'),
  constraint enrolment_codes_end_once check (redeemed_at is null or withdrawn_at is null)
);
create unique index enrolment_codes_one_at_a_time on enrolment_codes (user_id) where redeemed_at is null and withdrawn_at is null;
`

const DOWN = `
drop table enrolment_codes;
alter table identities drop column refused_at;
drop index api_tokens_by_parent;
alter table api_tokens drop column delegated, drop column parent_id;
`

export class Tokens1763769600004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
