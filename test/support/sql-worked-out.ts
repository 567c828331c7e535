import { parseSync, Visitor } from 'oxc-parser'

/** A text of the code that has others put into it, by a template or by `+`: what stands before each of them, and what is put in. */
interface Put {
  readonly before: string
  readonly whole: string
  readonly name: string
}

/** Pieces of statements, by the names that files give them: `${RUN_FACTS}`. They name their tables themselves. */
export type IsPiece = (name: string) => boolean

const READING = /\b(from|join|using|table|only)\s+(only\s+)?\\?"?$/i
const WRITING =
  /(^|[\s(])(insert\s+into|merge\s+into|update|delete\s+from|truncate|truncate\s+table|lock\s+table|copy)\s+(only\s+)?\\?"?$/i
/** What makes a text one for the database, and not for people, who come from and join as well. */
const STATEMENT =
  /\bselect\b|\b(insert|merge)\s+into\b|\bdelete\s+from\b|\bexists\s*\(|(^|\()\s*(update|table|with)\s|\bjoin\s+\?\s+\w+\s+on\b|\bset\s+\w+\s*=/i
const WRITTEN =
  /(insert|merge)\s+into|delete\s+from|truncate|lock\s+table|copy\s|update\s+(only\s+)?\S+\s+((as\s+)?\w+\s+)?set\b/i

/** Whether the name of a table is put into a statement. */
export function worksOutTable(file: string, code: string, isPiece: IsPiece): boolean {
  return putsIn(file, code).some(({ before, whole, name }) => {
    if (WRITING.test(before)) return WRITTEN.test(whole)
    return READING.test(before) && STATEMENT.test(whole) && !isPiece(name)
  })
}

/** Whether a column that is set is put into a statement. */
export function worksOutSet(file: string, code: string): boolean {
  return putsIn(file, code).some(({ before }) => {
    const since = /.*\bset\s+([\s\S]*)$/is.exec(before)?.[1]
    return since !== undefined && BEGINS_A_COLUMN.test(flat(since))
  })
}

/** After `set`, or after what is set before: also within the parentheses of several. */
const BEGINS_A_COLUMN =
  /^(\w+\s*=\s*((?!\b(where|returning)\b)[^,()])*(\(\)((?!\b(where|returning)\b)[^,()])*)*,\s*|\(\)\s*=\s*\(\)\s*,\s*)*(\([^()=]*)?$/i

/** Without what stands in quotes and in parentheses. */
function flat(sql: string): string {
  let now = sql.replace(/'[^']*'/g, "''")
  for (let before = ''; before !== now; ) {
    before = now
    now = now.replace(/\((?:[^()]|\(\)(?=.))*\)/gs, (one) => (one === '()' ? one : '()'))
  }
  return now
}

const known = new Map<string, readonly Put[]>()

/** Once for each text. */
function putsIn(file: string, code: string): readonly Put[] {
  const before = known.get(code)
  if (before) return before
  const found: Put[] = []
  known.set(code, found)
  const note = (pieces: readonly string[]) => {
    const [texts, names] = [pieces.filter((_, at) => at % 2 === 0), pieces.filter((_, at) => at % 2 === 1)]
    const whole = texts.join('?')
    for (const [at, name] of names.entries()) found.push({ before: texts.slice(0, at + 1).join('?'), whole, name })
  }
  const said = (node: { start: number; end: number }) => code.slice(node.start, node.end)
  new Visitor({
    TemplateLiteral: ({ quasis, expressions }) => {
      note(quasis.flatMap((quasi, at) => [quasi.value.raw, ...(expressions[at] ? [said(expressions[at])] : [])]))
    },
    BinaryExpression: ({ operator, left, right }) => {
      if (operator !== '+') return
      // The text that a string ends with is what stands before what is added to it.
      const before = /(['"`])([^'"`]*)\1$/s.exec(said(left as { start: number; end: number }))?.[2]
      if (before !== undefined) note([before, said(right), ''])
    },
  }).visit(parseSync(file, code).program)
  return found
}
