import { describe, expect, it } from 'vitest'
import { movesStateOf, readsFrom, writesTo } from '../support/sql-tables.ts'

describe('a table in a statement', () => {
  it.each([
    'UPDATE GRANTS SET a = 1',
    'update only grants',
    'update public.grants',
    'update "public" . "grants"',
    'merge into "grants"',
    'update /* x */ grants',
    'update -- x\n grants',
    'delete from only (grants)',
    'truncate grants',
    'truncate table users, grants',
    'copy grants from stdin',
    'copy public.grants (id) from stdin',
    'update only public."grants"',
    'update \\"grants\\" set a = 1',
    'update latchkey.public.grants set a = 1',
    'update U&"grants" set a = 1',
    'with moved as (update grants set a = 1 returning id) select id from moved',
    'with gone as (select 1), grown as (insert into grants (id) values (1)) select 1',
    'select * into grants from users',
    'select id into unlogged table grants from users',
    'alter table grants add column a int',
    'alter table if exists only public.grants add column a int',
    'drop table grants',
    'drop table if exists users, public.grants cascade',
    'create table if not exists grants (id text)',
    'create unlogged table grants as select 1',
    'truncate users, only grants',
    'lock table users, grants in exclusive mode',
    'lock grants',
    'comment on table grants is null',
    'comment on column a on grants',
    'create unique index concurrently a on grants (b)',
    'create or replace trigger a before insert on grants',
    'drop trigger a on grants',
    'drop policy if exists a on public.grants',
    'analyze grants',
    'vacuum full grants',
    'merge into only grants',
  ])('is noticed where it is written, however SQL is written: %s', (sql) => {
    expect(writesTo('grants', sql)).toBe(true)
  })

  it.each([
    'FROM grants',
    'from only grants',
    'join public."grants"',
    'from /* x */ grants',
    'from users, grants',
    'from users u, grants as g where true',
    "from users u join openings o on o.state = 'x' and o.id = u.id, grants",
    'from (grants g join openings o on true)',
    'from ((grants g join openings o on true) join users u on true)',
    'from users, lateral (select 1 from grants) x',
    'delete from users using openings, grants',
    'table grants',
    'from (select 1 where true) u, grants',
    'from (select a from b order by a limit 1) u, grants g',
    'from (values (1, 2), (3, 4)) as u (a, b), grants',
    'from unnest($1::text[], $2::text[]) as u (a, b), grants g where true',
    'from users u join (select a from b where c) o on o.a = u.a, grants',
    'update users set a = 1 from (select 1 union select 2) u, grants where true',
    'with grants_of as (select id from grants) select 1 from grants_of',
    'with u as materialized (select 1), o as (table grants) select 1',
    'select 1 from \\"grants\\"',
    'select 1 from latchkey.public.grants',
    'select exists (select from grants)',
    'select 1 from users natural join grants',
    'select 1 from users cross join lateral (select 1 from grants) x',
    'delete from users using (select 1 where true) u, grants',
    `from users, \${late ? \`openings, \` : \`\`} grants`,
  ])('is noticed where it is read, however SQL is written: %s', (sql) => {
    expect(readsFrom('grants', sql)).toBe(true)
  })

  it.each([
    "update grants as g set state = 'x'",
    'update grants set (state, a) = (1, 2)',
    'update grants set a = (select b from c), state = $1 where id = $2',
    'update grants set a = (select b from c where d = (select 1 where true)), state = $1',
    'update grants set (a, b) = (select c, d from e where f), "state" = $1',
    'update grants set "state" = $1',
    'update grants set (state, a) = (1, 2)',
    'update grants set (a, "state") = row (1, 2)',
    'update grants set (a, state) = (select a, b from c where d)',
    'update grants set state=$1',
    "update grants set a = 'from here, where', state = $1",
    'update grants set a = b is distinct from c, state = $1',
    'update grants set a = case when b then c end, state = $1',
    'update only public.grants g set state = $1',
    'update \\"grants\\" set \\"state\\" = $1',
    "'update grants set ' + 'state = $1'",
    '`update grants set ` + `state = $1`',
    'with a as (update grants set state = $1 returning id) select id from a',
    'insert into grants as g (id) values (1) on conflict (id) do update set (a, state) = (1, 2)',
    'insert into grants (id) select id from users where true on conflict on constraint a do update set state = $1',
    `insert into grants (id) values \${rows.map(() => \`(1)\`).join()} on conflict (id) do update set state = $1`,
    'update /* x */ "grants" set a = 1, /* y */ state = $1',
    `update grants set \${isLate ? \`a = 1, state = $1\` : \`\`}`,
    'insert into grants (id) values (1) on conflict (id) do update set a = 1, state = excluded.state',
    'merge into grants using users on true when matched then update set state = $1',
  ])('is noticed where its state is moved, however SQL is written: %s', (sql) => {
    expect(movesStateOf('grants', sql)).toBe(true)
  })

  it.each([
    `update \${table} set state = $1`,
    "execute format('update %I set state = 1', 'gra' || 'nts')",
    `from \${table}, \${others}`,
  ])('is not noticed where its name is worked out: %s', (sql) => {
    expect([writesTo, readsFrom, movesStateOf].map((looks) => looks('grants', sql))).toEqual([false, false, false])
  })

  it('is told apart from what only looks like them', () => {
    expect(writesTo('grants', 'update grants_seen set a = 1 for update of grants')).toBe(false)
    expect(readsFrom('grants', 'delete from grants g using x; select 1 from grants_seen')).toBe(false)
    expect(readsFrom('grants', 'select extract(epoch from at), grants.id from openings order by a, grants')).toBe(false)
    expect(movesStateOf('grants', "update grants set a = 1 where b = 2 and state = 'x'")).toBe(false)
    expect(movesStateOf('grants', "update grants set a = (select b from c where state = 'x') where true")).toBe(false)
    expect(movesStateOf('grants', "update grants set a = 'state = 1' where true")).toBe(false)
    expect(movesStateOf('grants', 'insert into grants (id) values (1); update users set state = 1')).toBe(false)
    expect(readsFrom('grants', 'select 1 from (select a, b from c) d order by e, grants')).toBe(false)
    expect(readsFrom('grants', 'select 1 from users where a in (select b from c), grants')).toBe(false)
    expect(writesTo('grants', 'select 1 from users u join grants g on grants.id = u.id')).toBe(false)
    expect(writesTo('grants', 'create index a on grants_seen (grants)')).toBe(false)
  })
})
