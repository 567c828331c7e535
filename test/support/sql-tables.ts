/**
 * Which tables the SQL in a text reads, writes and moves the state of. It looks for words and parentheses and knows no grammar, because a
 * statement here is a template with others in it, which no parser takes: a name that is worked out (`update ${table}`,
 * `execute format(…)`), a statement put together from pieces that do not hold the table's name, and what a function or a trigger of the
 * database does are not seen. Tests name the files that have such.
 */
export type Looks = (table: string, text: string) => boolean

export const writesTo: Looks = (table, text) =>
  readings(table, text).some((each) => WRITES(table).some((write) => write.test(each)))

export const readsFrom: Looks = (table, text) =>
  readings(table, text).some((each) => READ(table).test(each) || isAmongOthers(table, each))

/** A state is set by an update, or where an insert or a merge meets a row. */
export const movesStateOf: Looks = (table, text) =>
  readings(table, text).some((each) =>
    SETS(table).some((sets) => [...each.matchAll(sets)].some((found) => setsState(each.slice(found.index + found[0].length)))),
  )

const read = new Map<string, readonly string[]>()

/**
 * As it stands, and as the database reads it: in one piece, without its comments and the quotes around names, which a string of ours may
 * escape.
 */
function readings(table: string, text: string): readonly string[] {
  const before = read.get(text)
  if (before) return before.filter((each) => each.toLowerCase().includes(table))
  const plain = text
    .replace(/[`'"]\s*\+\s*[`'"]/g, '')
    .replace(/\/\*[\s\S]*?\*\//g, ' ')
    .replace(/(?<=^|\s)--[^\n`]*/gm, ' ')
  read.set(text, [text, plain.replace(/(?:\bu&)?\\?"(\w+)\\?"/gi, '$1')])
  return readings(table, text)
}

/** However SQL writes it: with its schema, and that with its database. */
function named(table: string): string {
  return `(\\w+\\s*\\.\\s*){0,2}${table}\\b`
}

const ONLY = '((lateral|only)\\b[\\s(]*)*'
const OTHERS = '([\\w.]+\\s*\\*?\\s*,\\s*)*'
const IF_THERE = '(if\\s+(not\\s+)?exists\\s+)?'

function WRITES(table: string): readonly RegExp[] {
  const name = `${ONLY}(?<=[\\s,(])${named(table)}`
  const rows = 'insert\\s+into|merge\\s+into|update|delete\\s+from|copy'
  // What `select … into` makes is one of ours only where somebody means to replace it.
  const made = 'into(\\s+(temp|temporary|unlogged))?(\\s+table)?'
  const whole = 'truncate(\\s+table)?|lock(\\s+table)?|analyze(\\s+verbose)?|vacuum(\\s+(full|freeze|verbose|analyze))*|cluster'
  const shape = '(alter|drop|create(\\s+(temp|temporary|unlogged))?|comment\\s+on|reindex)\\s+(foreign\\s+)?table'
  const onIt = '(create|alter|drop|comment\\s+on)\\s+([\\w]+\\s+){0,3}(index|trigger|policy|rule|column)\\b[^;`]*?\\bon'
  return [
    new RegExp(`\\b(${rows}|${made})\\s*${name}`, 'i'),
    new RegExp(`\\b(${whole}|${shape})\\s+${IF_THERE}${OTHERS}${name}`, 'i'),
    new RegExp(`\\b${onIt}\\s+${name}(?!\\s*[.=<>])`, 'i'),
  ]
}

function READ(table: string): RegExp {
  return new RegExp(`(?<!\\bdelete\\s+|[.\\w])(from|join|using|table)\\b[\\s(]+${ONLY}${named(table)}`, 'i')
}

/** Behind a comma: `from users u, grants g`, whatever stands in parentheses before it. */
function isAmongOthers(table: string, text: string): boolean {
  const name = new RegExp(`^,\\s*(\\$\\{[^{}]*\\})?[\\s(]*${ONLY}${named(table)}(?!\\s*[.=<>(:])`, 'i')
  return [...text.matchAll(/(?<![.\w])(?:from|using)\s+(?=[\w(])/gi)].some(({ index, 0: { length } }) => {
    const list = text.slice(index + length, index + length + LONGEST_LIST)
    return commasIn(list).some((at) => name.test(list.slice(at)))
  })
}

const LONGEST_LIST = 2_000

/** Where the entries of a list end that belong to it, up to what must come after it. */
function commasIn(list: string): number[] {
  const commas: number[] = []
  walk(list, /^(where|group|order|having|limit|union|returning|set|select|values|on\s+conflict)$/i, (word, depth, at) => {
    if (depth === 0 && word === ',') commas.push(at)
  })
  return commas
}

function SETS(table: string): readonly RegExp[] {
  return [
    new RegExp(`\\bupdate\\s+${ONLY}${named(table)}[\\s*)]+((as\\s+)?(?!set\\b)\\w+\\s+)?set\\b`, 'gi'),
    new RegExp(`\\b(insert|merge)\\s+into\\s+${ONLY}${named(table)}[^;]*?\\bupdate\\s+set\\b`, 'gi'),
  ]
}

/** Whether what follows a `set` gives the state a value: read up to its end, over whatever subselects stand in between. */
function setsState(text: string): boolean {
  let outside = ''
  walk(text, /^(where|from|returning)$/i, (word, depth) => {
    if (depth < 2) outside += /^'./.test(word) ? `''` : word
  })
  return /(^|[,{`'+])\s*['"`]?\s*(\([^()]*\bstate\b[^()]*\)|state)\s*=/i.test(outside)
}

/** Goes through a part of a statement to the end of its template, of the parentheses it stands in, or to a word that ends it. */
function walk(text: string, end: RegExp, each: (word: string, depth: number, at: number) => void): void {
  let parentheses = 0
  let braces = 0
  let before = ''
  // What is quoted where a value stands is one word; `is distinct from` begins no list.
  for (const { 0: word, index } of text.matchAll(/(?<=[=(,<>|]\s*|\b(?:then|else|when|in|like|and|or)\s+)'[^'\n`]*'|\w+|\W/gi)) {
    if (word === '}') braces -= 1
    if (word === ')') parentheses -= 1
    const isEnd = parentheses === 0 && end.test(word) && !(/^from$/i.test(word) && /^distinct$/i.test(before))
    const isOver = isEnd || (parentheses === 0 && (word === ';' || (word === '`' && braces === 0)))
    if (isOver || parentheses < 0 || braces < 0) return
    each(word, parentheses, index)
    if (word === '{') braces += 1
    if (word === '(') parentheses += 1
    if (/\w/.test(word)) before = word
  }
}
