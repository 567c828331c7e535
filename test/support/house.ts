import path from 'node:path'
import { parseSync } from 'oxc-parser'

export interface Import {
  readonly from: string
  /** a file of ours, or the name of a module */
  readonly to: string
  readonly typesOnly: boolean
}

export const root = path.resolve(import.meta.dirname, '../..')

const read = new Map<string, FileRead>()

/** Once for each text. */
export function readCode(file: string, text: string): FileRead {
  const key = `${file}\n${text}`
  const before = read.get(key)
  if (before) return before
  const now = parsed(file, text)
  read.set(key, now)
  return now
}

interface FileRead {
  readonly code: string
  readonly imports: readonly Import[]
}

function parsed(file: string, text: string): FileRead {
  const { module, comments } = parseSync(file, text)
  const code = without(text, comments)
  const isOfTypes = (start: number) => /^(import|export)\s+type\b/.test(text.slice(start, start + 40))
  const found = [
    ...module.staticImports.map(({ start, moduleRequest }) => ({ to: moduleRequest.value, typesOnly: isOfTypes(start) })),
    ...module.staticExports.flatMap(({ start, entries }) =>
      entries.flatMap((entry) => (entry.moduleRequest ? [{ to: entry.moduleRequest.value, typesOnly: isOfTypes(start) }] : [])),
    ),
    // Those that run, and types that are asked for by their file.
    ...[...code.matchAll(/(?<!\.)\bimport\(\s*['"`]([^'"`$]+)['"`]/g)].map(([, to = '']) => ({ to, typesOnly: false })),
  ]
  const once = new Map(found.map((one) => [`${one.to} ${one.typesOnly}`, one]))
  return { code, imports: [...once.values()].map(({ to, typesOnly }) => ({ from: file, to: placeOf(file, to), typesOnly })) }
}

/** What stood in a comment is blank. */
function without(text: string, comments: readonly { readonly start: number; readonly end: number }[]): string {
  let at = 0
  const pieces = comments.flatMap(({ start, end }) => {
    const before = text.slice(at, start)
    at = end
    return [before, text.slice(start, end).replace(/[^\n]/g, ' ')]
  })
  return pieces.join('') + text.slice(at)
}

function placeOf(file: string, to: string): string {
  return to.startsWith('.') ? path.posix.join(path.posix.dirname(file), to) : to
}

/** The room of a file, or the folder for itself where there are no rooms. */
export function partOf(file: string): string {
  const [top = '', second = ''] = file.split('/')
  return top === 'src' || top === 'plugins' ? `${top}/${second}` : top
}
