import { type Filter, invalid, type Operator, type Value } from './filter.ts'

/** What a path of a filter is in the database. */
export type Column =
  | { readonly kind: 'text'; readonly sql: string; readonly caseExact: boolean }
  | { readonly kind: 'flag'; readonly sql: string }
  | { readonly kind: 'moment'; readonly sql: string }
  /** several values: rows of `from`, each with these columns; without a sub-attribute `value` is meant */
  | { readonly kind: 'many'; readonly from: string; readonly columns: Columns }

/** by the path, in lower case and without its schema */
export type Columns = ReadonlyMap<string, Column>

/** The filter as a condition. What its author wrote becomes values, never text of the statement. */
export function conditionOf(filter: Filter, columns: Columns, values: unknown[]): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return `(${filter.parts.map((part) => conditionOf(part, columns, values)).join(` ${filter.kind} `)})`
    case 'not':
      return `(${conditionOf(filter.part, columns, values)} is not true)`
    case 'any': {
      const column = columnOf(filter.path, columns)
      if (column.kind !== 'many') throw invalid(`${filter.path} is not a list of values`)
      return existing(column, conditionOf(filter.part, column.columns, values))
    }
    case 'present': {
      const column = columnOf(filter.path, columns)
      return column.kind === 'many' ? existing(column, 'true') : `(${column.sql} is not null)`
    }
    case 'compare':
      return comparison(filter.path, columnOf(filter.path, columns), filter.operator, filter.value, values)
  }
}

function columnOf(path: string, columns: Columns): Column {
  const plain = withoutSchema(path)
  const column = columns.get(plain)
  if (column) return column
  const [whole = '', part = ''] = plain.split('.')
  const many = columns.get(whole)
  const inner = many?.kind === 'many' ? many.columns.get(part) : undefined
  if (many?.kind !== 'many' || !inner) throw invalid(`${path.slice(0, 100)} cannot be filtered by`)
  // emails.value is the values of emails, seen through one of their columns
  return { ...many, columns: new Map([['value', inner]]) }
}

/** In lower case: names of attributes may be written in any. */
export function withoutSchema(path: string): string {
  return path.toLowerCase().replace(/^urn:ietf:params:scim:schemas:(core:2\.0:(user|group)|extension:enterprise:2\.0:user):/, '')
}

function existing({ from }: { readonly from: string }, condition: string): string {
  return `exists (select from ${from} where ${condition})`
}

function comparison(path: string, column: Column, operator: Operator, value: Value, values: unknown[]): string {
  const put = (one: unknown, type: string) => `$${values.push(one)}::${type}`
  if (column.kind === 'many') {
    const inner = comparison(path, column.columns.get('value')!, operator === 'ne' ? 'eq' : operator, value, values)
    return operator === 'ne' ? `not ${existing(column, inner)}` : existing(column, inner)
  }
  const { sql } = column
  if (value === null) {
    if (operator !== 'eq' && operator !== 'ne') throw invalid('null can be compared with eq and ne only')
    return `(${sql} is ${operator === 'ne' ? 'not ' : ''}null)`
  }
  switch (column.kind) {
    case 'flag': {
      const flag = typeof value === 'string' ? { true: true, false: false }[value.toLowerCase()] : value
      if (typeof flag !== 'boolean' || (operator !== 'eq' && operator !== 'ne'))
        throw invalid(`${path} is compared with true or false, by eq or ne`)
      return `(coalesce(${sql}, false) ${operator === 'eq' ? '=' : '<>'} ${put(flag, 'boolean')})`
    }
    case 'moment': {
      const sign = SIGNS[operator]
      const at = typeof value === 'string' && MOMENT.test(value) ? Date.parse(value) : Number.NaN
      if (Number.isNaN(at) || !sign)
        throw invalid(`${path} is compared with a moment like 2030-01-31T12:00:00Z, by eq, ne, gt, ge, lt or le`)
      // To the millisecond, as it is told. As a number, because PostgreSQL knows fewer years than JavaScript.
      return `(date_trunc('milliseconds', ${sql}) ${sign} to_timestamp(${put(at / 1000, 'double precision')}))`
    }
    case 'text': {
      if (typeof value !== 'string') throw invalid(`${path} is compared with text in quotes`)
      const fold = (one: string) => (column.caseExact ? one : `lower(${one})`)
      const [left, right] = [fold(sql), fold(put(value, 'text'))]
      switch (operator) {
        case 'co':
          return `(strpos(${left}, ${right}) > 0)`
        case 'sw':
          return `starts_with(${left}, ${right})`
        case 'ew':
          return `(right(${left}, length(${right})) = ${right})`
        case 'ne':
          return `(${left} is distinct from ${right})`
        case 'eq':
        case 'gt':
        case 'ge':
        case 'lt':
        case 'le':
          return `(${left} ${SIGNS[operator]} ${right})`
      }
    }
  }
}

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/i
const SIGNS: Partial<Record<Operator, string>> = { eq: '=', ne: '<>', gt: '>', ge: '>=', lt: '<', le: '<=' }
