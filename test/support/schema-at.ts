import type pg from 'pg'
import { DataSource } from 'typeorm'
import { dataSourceOptions } from '../../src/platform/postgres/database.ts'

const numberOf = (name: string) => Number(name.slice(-4))
const MIGRATIONS = dataSourceOptions('', 1).migrations as { name: string }[]

export const NEWEST = Math.max(...MIGRATIONS.map(({ name }) => numberOf(name)))

/** Takes a database up or down, migration by migration, until the one with this number is the last. */
export async function takeTo(url: string, number: number): Promise<void> {
  const known = MIGRATIONS.filter(({ name }) => numberOf(name) <= number)
  const up = await new DataSource({ ...dataSourceOptions(url, 1), migrations: known as never }).initialize()
  try {
    await up.runMigrations()
  } finally {
    await up.destroy()
  }
  const down = await new DataSource(dataSourceOptions(url, 1)).initialize()
  try {
    const ran: { name: string }[] = await down.query('select name from migrations')
    for (const _ of ran.filter(({ name }) => numberOf(name) > number)) await down.undoLastMigration()
  } finally {
    await down.destroy()
  }
}

type Row = Readonly<Record<string, unknown>>
/** Every row of every table, by the table's key. The head of the audit chain follows from the chain. */
export type Rows = ReadonlyMap<string, { readonly key: readonly string[]; readonly rows: readonly Row[] }>

export async function everyRow(client: pg.Client): Promise<Rows> {
  const tables = await client.query<{ name: string; key: string[] }>(
    `select c.relname as name, array_agg(a.attname::text order by a.attnum) as key
     from pg_class c join pg_index i on i.indrelid = c.oid and i.indisprimary
       join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname not in ('migrations', 'audit_head')
     group by c.relname order by c.relname`,
  )
  const found: [string, { key: string[]; rows: Row[] }][] = []
  for (const { name, key } of tables.rows) {
    const { rows } = await client.query<{ row: Row }>(`select to_jsonb(t) as row from ${name} t`)
    if (rows.length > 0) found.push([name, { key, rows: rows.map(({ row }) => row) }])
  }
  return new Map(found)
}

/** What is no more as it was: a row that is gone, a column that is gone, a value that is another. What is new does not count. */
export function lostSince(before: Rows, after: Rows): string[] {
  const lost = new Set<string>()
  for (const [table, { key, rows }] of before) {
    const nameOf = (row: Row) => `${table} ${key.map((column) => String(row[column])).join(' ')}`
    const those = new Map((after.get(table)?.rows ?? []).map((row) => [nameOf(row), row]))
    for (const row of rows) {
      const now = those.get(nameOf(row))
      if (!now) lost.add(`${nameOf(row)} is gone`)
      for (const [column, value] of Object.entries(now ? row : {})) {
        if (!(column in now!)) lost.add(`${table}.${column} is gone`)
        else if (JSON.stringify(now![column]) !== JSON.stringify(value))
          lost.add(`${nameOf(row)}: ${column} was ${JSON.stringify(value)} and is ${JSON.stringify(now![column])}`)
      }
    }
  }
  return [...lost].sort()
}
