/**
 * Which tables the SQL in a text reads, writes and moves the state of. It looks for words and knows no grammar: a name that is worked out
 * (`update ${table}`, `execute format(…)`), a statement put together from pieces that do not hold the table's name, and what a function or
 * a trigger of the database does are not seen.
 */
export type Looks = (table: string, text: string) => boolean

export const writesTo: Looks = (table, text) => readings(table, text).some((each) => WRITE(table).test(each))

export const readsFrom: Looks = (table, text) =>
  readings(table, text).some((each) => READ(table).test(each) || AMONG_OTHERS(table).test(each))

/** A state is set by an update, or where an insert or a merge meets a row. */
export const movesStateOf: Looks = (table, text) =>
  readings(table, text).some((each) =>
    SETS(table).some((sets) => [...each.matchAll(sets)].some((found) => setsState(each, found))),
  )

const read = new Map<string, readonly string[]>()

/** As it stands, and as the database reads it: without its comments and the quotes around names. */
function readings(table: string, text: string): readonly string[] {
  const before = read.get(text)
  if (before) return before.filter((each) => each.toLowerCase().includes(table))
  const plain = text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/(?<=^|\s)--[^\n`]*/gm, ' ')
  read.set(text, [text, plain.replace(/"(\w+)"/g, '$1')])
  return readings(table, text)
}

/** However SQL writes it. */
function named(table: string): string {
  return `(public\\s*\\.\\s*)?${table}\\b`
}

const ONLY = '((lateral|only)\\b[\\s(]*)*'

function WRITE(table: string): RegExp {
  const verbs = "insert\\s+into|merge\\s+into|update|delete\\s+from|copy|truncate(\\s+table)?|truncate\\s[^;`']*,"
  return new RegExp(`\\b(${verbs})\\s*${ONLY}(?<=[\\s,(])${named(table)}`, 'i')
}

function READ(table: string): RegExp {
  return new RegExp(`(?<!\\bdelete\\s+|[.\\w])(from|join|using|table)\\b[\\s(]+${ONLY}${named(table)}`, 'i')
}

/** Behind a comma: `from users u, grants g`. Nothing but the end of the list may stand between. */
function AMONG_OTHERS(table: string): RegExp {
  const over = '\\b(where|group\\s+by|order\\s+by|having|limit|union|returning|set|select|values)\\b'
  const list = `(?:(?!${over})(?:'[^'\\n]*'|[^;\`']))*?`
  return new RegExp(`(?<![.\\w])(from|using)\\s+(?=[\\w(])${list},[\\s(]*${ONLY}${named(table)}(?!\\s*[.=<>(:])`, 'i')
}

function SETS(table: string): readonly RegExp[] {
  return [
    new RegExp(`\\bupdate\\s+${ONLY}${named(table)}[\\s*)]+((as\\s+)?\\w+\\s+)?set\\b`, 'gi'),
    new RegExp(`\\b(insert|merge)\\s+into\\s+${ONLY}${named(table)}[^\`;]*?\\bupdate\\s+set\\b`, 'gi'),
  ]
}

/** Whether what follows a `set` gives the state a value: read up to its end, over whatever subselects stand in between. */
function setsState(text: string, found: RegExpExecArray): boolean {
  let parentheses = 0
  let braces = 0
  let outside = ''
  for (const [word, isEnd] of text.slice(found.index + found[0].length).matchAll(/\b(where|from|returning)\b|\w+|\W/gi)) {
    if (word === '}') braces -= 1
    if (word === ')') parentheses -= 1
    const isOver = parentheses === 0 && (isEnd !== undefined || word === ';' || (word === '`' && braces === 0))
    if (isOver || parentheses < 0 || braces < 0) break
    if (parentheses < 2) outside += word
    if (word === '{') braces += 1
    if (word === '(') parentheses += 1
  }
  return /(^|[,{`'])\s*(\([^()]*\bstate\b[^()]*\)|state)\s*=/i.test(outside)
}
