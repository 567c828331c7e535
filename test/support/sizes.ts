import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

export const LONGEST_FILE = 300
/** Read by its headings. */
export const LONGEST_DOCUMENT = 600

/** Files of any length, and why. */
export const ANY_LENGTH: Readonly<Record<string, string>> = {
  'CHANGELOG.md': 'it grows by a line for each change that people notice',
  'migrations/schema.sql': 'a test writes it from the migrations',
  'package-lock.json': 'npm writes it',
  'tools/vault/go.mod': 'Go writes it',
  'tools/vault/go.sum': 'Go writes it',
}

export function tooLong({ lines }: { readonly lines: ReadonlyMap<string, number> }): string[] {
  return [...lines].filter(([file, count]) => count > longest(file)).map(([file, count]) => `${file}: ${count}`)
}

function longest(file: string): number {
  if (file in ANY_LENGTH) return Number.POSITIVE_INFINITY
  return file.endsWith('.md') ? LONGEST_DOCUMENT : LONGEST_FILE
}

/** Every file of text below a checkout with its number of lines, but what git is told to leave alone. */
export function linesIn(checkout: string): ReadonlyMap<string, number> {
  const ignored = readFileSync(path.join(checkout, '.gitignore'), 'utf8').split('\n')
  const isKept = (name: string, isFolder: boolean) =>
    name !== '.git' &&
    !ignored.some((line) => (isFolder ? line === `${name}/` : line.startsWith('*.') && name.endsWith(line.slice(1))))
  const filesBelow = (folder: string): string[] =>
    readdirSync(path.join(checkout, folder), { withFileTypes: true })
      .filter((entry) => isKept(entry.name, entry.isDirectory()))
      .flatMap((entry) => {
        const place = path.posix.join(folder, entry.name)
        if (entry.isDirectory()) return filesBelow(place)
        return entry.isFile() ? [place] : []
      })
  const read = filesBelow('.').map((file) => [file, readFileSync(path.join(checkout, file))] as const)
  const texts = read.filter(([, bytes]) => !bytes.includes(0)).map(([file, bytes]) => [file, bytes.toString()] as const)
  return new Map(texts.map(([file, text]) => [file, text.replace(/\n$/, '').split('\n').length]))
}
