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
  add column groups_refused jsonb not null default '[]';
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
`

const DOWN = `
drop index groups_external_id_taken;
drop index groups_name_taken;
-- Of groups that two providers call by one name, one is left.
delete from groups g using groups o
  where g.source = 'sign_in' and o.source = 'sign_in' and g.id > o.id and lower(g.name) = lower(o.name);
alter table groups drop column issuer;
create unique index groups_name_taken on groups (source, lower(name));
create unique index groups_external_id_taken on groups (source, external_id);
alter table identities drop column user_name, drop column groups_said_at, drop column groups_source, drop column groups_untold,
  drop column groups_untold_at, drop column groups_refused;
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
