import path from 'node:path'
import { parseSync } from 'oxc-parser'
import { partOf } from './house.ts'
import { readsFrom } from './sql-tables.ts'

type Texts = ReadonlyMap<string, string>

interface Taken {
  readonly from: string
  /** what it is there; of a whole file, nothing */
  readonly name: string | undefined
  readonly as: string
}

interface File {
  /** by what they declare, from one declaration at the top to the next */
  readonly declared: ReadonlyMap<string, string>
  readonly exported: readonly string[]
  readonly taken: readonly Taken[]
}

/**
 * Pieces of SQL that a room lends to others: what they read through them is read as well, by whatever name they take them, and through
 * whatever pieces these are made of.
 */
export function lentIn(texts: Texts, tables: readonly string[]): string[] {
  const found = [...texts.keys()].flatMap((file) =>
    fileOf(file, texts).taken.flatMap(({ from, name, as }) => {
      if (!texts.has(from) || partOf(from) === partOf(file)) return []
      const names = name === undefined ? fileOf(from, texts).exported : [name]
      return names
        .filter((one) => isUsed(name === undefined ? `${as}\\.${one}` : as, texts.get(file)!))
        .map((one) => [one, tablesOf(from, one, texts, tables)] as const)
        .filter(([, read]) => read.length > 0)
        .map(([one, read]) => `${partOf(file)} reads ${read.join(', ')} through ${one}`)
    }),
  )
  return [...new Set(found)].sort()
}

/** Whether a name is that of a piece, which says itself what it reads, and not of a table's name. */
export function isPieceIn(file: string, texts: Texts, name: string): boolean {
  if (!/^[A-Z][A-Z_\d]*$/.test(name)) return false
  const { declared, taken } = fileOf(file, texts)
  const own = declared.get(name)
  if (own !== undefined) return /=\s*[`'"][^`'"]*\S\s+\S/.test(own) || /=\s*`\s*\(/.test(own)
  const there = taken.find(({ as }) => as === name)
  return there?.name !== undefined && texts.has(there.from) && isPieceIn(there.from, texts, there.name)
}

/** What is a piece of a statement and no statement: text that names tables, and sends nothing. */
function tablesOf(file: string, name: string, texts: Texts, tables: readonly string[], seen: readonly string[] = []): string[] {
  const { declared, taken } = fileOf(file, texts)
  const text = declared.get(name)
  if (text === undefined || seen.includes(`${file} ${name}`) || /\b(rows?|query)(<[^(]*>)?\(/.test(text)) return []
  const now = [...seen, `${file} ${name}`]
  const through = [
    ...[...declared.keys()].filter((one) => one !== name && isUsed(one, text)).map((one) => [file, one] as const),
    ...taken.flatMap(({ from, name: one, as }) =>
      one !== undefined && texts.has(from) && isUsed(as, text) ? [[from, one] as const] : [],
    ),
  ]
  const read = [
    ...tables.filter((table) => readsFrom(table, text)),
    ...through.flatMap(([from, one]) => tablesOf(from, one, texts, tables, now)),
  ]
  return [...new Set(read)].sort()
}

/** Put into another text, or given another name. */
function isUsed(name: string, text: string): boolean {
  return new RegExp(`(\\$\\{|\\+|=)\\s*${name}\\b|\\b${name}(\\([^()]*\\))?\\s*\\+`).test(text)
}

const known = new Map<string, File>()

/** Once for each text. */
function fileOf(file: string, texts: Texts): File {
  const text = texts.get(file)!
  const before = known.get(`${file}\n${text}`)
  if (before) return before
  const declarations = text.split(/^(?=(?:export )?(?:async )?(?:abstract )?(?:const|let|function|class|interface|type|enum)\b)/m)
  const named = declarations.flatMap((one) => {
    const [, isOut, name] =
      /^(export )?(?:async )?(?:abstract )?(?:const|let|function|class|interface|type|enum) (\w+)/.exec(one) ?? []
    return name === undefined ? [] : [{ name, one, isOut: isOut !== undefined }]
  })
  const { staticImports } = parseSync(file, text).module
  const taken = staticImports.flatMap(({ moduleRequest, entries }) =>
    entries
      .filter(({ isType }) => !isType)
      .map(({ importName, localName }) => ({
        from: path.posix.join(path.posix.dirname(file), moduleRequest.value),
        name: importName.kind === 'Name' ? importName.name! : undefined,
        as: localName.value,
      })),
  )
  const now = {
    declared: new Map(named.map(({ name, one }) => [name, one])),
    exported: named.filter(({ isOut }) => isOut).map(({ name }) => name),
    taken,
  }
  known.set(`${file}\n${text}`, now)
  return now
}
