import { Injectable, Logger } from '@nestjs/common'
import { Database, rows } from '../postgres/database.ts'
import type { Place } from './sealing.ts'

type Values = Readonly<Record<string, unknown>>

/** A column that holds sealed values. Every room that seals names its own, or its values are lost when the key changes. */
export interface SealedColumn {
  readonly table: string
  readonly column: string
  /** the primary key, in its order */
  readonly key: Readonly<Record<string, 'text' | 'int'>>
  /** columns the place is made from besides */
  readonly also?: readonly string[]
  /** where the value was sealed; undefined when that cannot be told any more */
  place(row: Values): Place | undefined
  /** whether a value that nobody can open stops the start; not for what passes by itself */
  readonly lasting: boolean
}

const BATCH = 100
/** the id of the key, as the sealer writes it */
const keyIn = (column: string) => `split_part(${column}, '.', 2)`

/** Which columns hold sealed values, and under which keys. */
@Injectable()
export class SealedColumns {
  private readonly log = new Logger(SealedColumns.name)
  private readonly columns: SealedColumn[] = []

  constructor(private readonly database: Database) {}

  /** Call it in a constructor: they are read when the daemon starts. */
  hold(...columns: readonly SealedColumn[]): void {
    this.columns.push(...columns)
  }

  /** Ids of keys, besides the known ones, that lasting values were sealed with, and where. */
  async strangers(known: readonly string[]): Promise<{ key: string; where: string }[]> {
    const found = await Promise.all(
      this.columns
        .filter(({ lasting }) => lasting)
        .map(async ({ table, column }) => {
          const keys = await rows<{ key: string }>(
            this.database.pool,
            `select distinct ${keyIn(column)} as key from ${table} where ${column} is not null and ${keyIn(column)} <> all($1)`,
            [known],
          )
          return keys.map(({ key }) => ({ key, where: `${table}.${column}` }))
        }),
    )
    return found.flat()
  }

  /** Replaces every value that is under one of these keys; what cannot be opened stays. Answers how many were replaced and left. */
  async replaceAll(keyIds: readonly string[], replace: (sealed: string, place: Place) => string, signal: AbortSignal) {
    const counts = { replaced: 0, left: 0 }
    for (const column of this.columns) {
      for (let after: Values | undefined, more = true; more; ) {
        signal.throwIfAborted()
        const batch = await this.batch(column, keyIds, after, replace)
        counts.replaced += batch.replaced
        counts.left += batch.left
        after = batch.last
        more = batch.last !== undefined
      }
    }
    return counts
  }

  private batch(
    held: SealedColumn,
    keyIds: readonly string[],
    after: Values | undefined,
    replace: (sealed: string, place: Place) => string,
  ) {
    const { table, column, key, also = [] } = held
    const names = Object.keys(key)
    const values = names.map((name) => after?.[name])
    const placed = names.map((name, at) => `$${at + 2}::${key[name]}`)
    return this.database.transaction(async (tx) => {
      const found = await rows<Record<string, unknown> & { sealed_value: string }>(
        tx,
        `select ${[...names, ...also].join(', ')}, ${column} as sealed_value from ${table}
         where ${column} is not null and ${keyIn(column)} = any($1) ${after ? `and (${names.join(', ')}) > (${placed.join(', ')})` : ''}
         order by ${names.join(', ')} limit ${BATCH} for update`,
        after ? [keyIds, ...values] : [keyIds],
      )
      let replaced = 0
      for (const row of found) {
        const fresh = this.fresh(held, row, replace)
        if (fresh === undefined) continue
        const where = names.map((name, at) => `${name} = $${at + 2}`).join(' and ')
        await rows(tx, `update ${table} set ${column} = $1 where ${where}`, [fresh, ...names.map((name) => row[name])])
        replaced += 1
      }
      return { replaced, left: found.length - replaced, last: found.at(-1) }
    })
  }

  private fresh(held: SealedColumn, row: Values & { sealed_value: string }, replace: (sealed: string, place: Place) => string) {
    const place = held.place(row)
    try {
      return place && replace(row.sealed_value, place)
    } catch (error) {
      this.log.warn({ error, table: held.table }, 'a sealed value cannot be opened and stays as it is')
      return undefined
    }
  }
}
