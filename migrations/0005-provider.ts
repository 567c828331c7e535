import type { MigrationInterface, QueryRunner } from 'typeorm'

// Each fact about a person has a source and an age; what a provider did not say is not taken for a word of it. Groups are their provider's.
const UP = `
-- What somebody signs in as is theirs to change at many providers: it is shown beside their name, and says nothing about who they are.
alter table users add column facts jsonb not null default '{}', add column sign_in_name text;

alter table identities
  add column user_name text,
  add column groups_said_at timestamptz,
  add column groups_source text,
  add column groups_untold text,
  add column groups_untold_at timestamptz,
  add column groups_refused jsonb not null default '[]',
  -- Of the last sign-in: which claims each document held, and what kind of thing each was; never what they said.
  add column arrived jsonb,
  add column signed_in_at timestamptz;
update identities set groups_said_at = confirmed_at;
create index identities_by_user_name on identities (issuer, lower(user_name));

alter table groups add column issuer text;
update groups g set issuer = coalesce(
    (select i.issuer from group_members m join identities i on i.user_id = m.user_id
     where m.group_id = g.id group by i.issuer order by count(*) desc, i.issuer limit 1),
    (select i.issuer from identities i group by i.issuer order by count(*) desc, i.issuer limit 1), '')
  where source = 'sign_in';
drop index groups_name_taken;
create unique index groups_name_taken on groups (source, coalesce(issuer, ''), lower(name));
drop index groups_external_id_taken;
create unique index groups_external_id_taken on groups (source, coalesce(issuer, ''), external_id);

-- A refresh token may be good for one use: who holds the turn spends it, and counts the version up.
alter table http_sessions
  add column tokens_version int not null default 0,
  add column refreshing_until timestamptz,
  add column refresh_due_at timestamptz;

-- However a session ends, the provider is told to forget its refresh token.
create table ended_sessions (
  id text primary key,
  issuer text not null,
  sealed text not null,
  ended_at timestamptz not null default now()
);
create function keep_ended_session() returns trigger language plpgsql as $$
begin
  insert into ended_sessions (id, issuer, sealed) values (old.id, coalesce(old.issuer, ''), old.sealed) on conflict do nothing;
  insert into due_work (lane, kind, subject, shard, run_at)
    values ('background', 'session.revoke', old.id, 'identity provider', clock_timestamp()) on conflict do nothing;
  perform pg_notify('due_work', 'background');
  return old;
end $$;
create trigger http_sessions_ended after delete on http_sessions
  for each row when (old.id is not null and old.sealed is not null) execute function keep_ended_session();
`

const DOWN = `
drop trigger http_sessions_ended on http_sessions;
drop function keep_ended_session();
delete from due_work where kind = 'session.revoke';
drop table ended_sessions;
alter table http_sessions drop column tokens_version, drop column refreshing_until, drop column refresh_due_at;
drop index groups_external_id_taken;
drop index groups_name_taken;
-- Of groups that two providers call by one name, one is left.
delete from groups g using groups o
  where g.source = 'sign_in' and o.source = 'sign_in' and g.id > o.id and lower(g.name) = lower(o.name);
alter table groups drop column issuer;
create unique index groups_name_taken on groups (source, lower(name));
create unique index groups_external_id_taken on groups (source, external_id);
alter table identities drop column user_name, drop column groups_said_at, drop column groups_source, drop column groups_untold,
  drop column groups_untold_at, drop column groups_refused, drop column arrived, drop column signed_in_at;
alter table users drop column facts, drop column sign_in_name;
`

export class Provider1763769600005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
