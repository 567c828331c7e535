import type { Tx } from './database.ts'

/**
 * What the role the daemon works as may do, given again after each migration by the owner of the tables. Of the audit trail it may read, and
 * add events; the links are made by a function that runs as the owner, so that no statement of the daemon's can touch what was recorded.
 */
export async function grantToRole(runner: Tx, role: string): Promise<void> {
  const [{ name, schema }] = (await runner.query('select quote_ident($1) as name, quote_ident(current_schema()) as schema', [
    role,
  ])) as [{ name: string; schema: string }]
  const everything = [
    `grant usage on schema ${schema} to ${name}`,
    `grant select, insert, update, delete on all tables in schema ${schema} to ${name}`,
    `grant usage, select on all sequences in schema ${schema} to ${name}`,
    `revoke insert, update, delete on audit_chain, audit_head, migrations from ${name}`,
    `revoke update, delete on audit_events from ${name}`,
    `alter function audit_link() security definer`,
    `alter function audit_link() set search_path = ${schema}, pg_temp`,
    `do $$ begin
       if current_setting('server_version_num')::int >= 170000 then execute 'grant maintain on resources to ${name}'; end if;
     end $$`,
  ]
  for (const statement of everything) await runner.query(statement)
}
