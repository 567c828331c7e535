import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import path from 'node:path'
import { type Import, readCode, root } from './house.ts'

/** All files with their text, without comments, and what they import: of ours `among`. */
export interface House {
  readonly files: readonly string[]
  readonly code: ReadonlyMap<string, string>
  readonly lines: ReadonlyMap<string, number>
  readonly imports: readonly Import[]
  readonly among: readonly Import[]
  /** names of the folders below `plugins`, and those of them that have a client at the root */
  readonly plugins: readonly string[]
  readonly clients: readonly string[]
}

const clientsHere = globSync('plugins/*/', { cwd: root }).map((folder) => `${path.basename(folder)}/**/*.ts`)
const found = globSync(['{src,plugins,dev,bench,portal/src}/**/*.{ts,tsx}', 'migrations/*.ts', ...clientsHere], {
  cwd: root,
})
export const texts = new Map(found.map((file) => [file, readFileSync(path.join(root, file), 'utf8')]))
export const house = houseOf(texts)

export function houseOf(texts: ReadonlyMap<string, string>): House {
  const files = [...texts.keys()].sort()
  const read = new Map(files.map((file) => [file, readCode(file, texts.get(file)!)]))
  const code = new Map(files.map((file) => [file, read.get(file)!.code]))
  const lines = new Map(files.map((file) => [file, texts.get(file)!.split('\n').length - 1]))
  const imports = files.flatMap((file) => read.get(file)!.imports)
  const plugins = [...new Set(files.filter((file) => file.startsWith('plugins/')).map((file) => file.split('/')[1]!))]
  const clients = plugins.filter((name) => files.some((file) => topOf(file) === name))
  return { files, code, lines, imports, among: imports.filter(({ to }) => code.has(to)), plugins, clients }
}

/** What is ours and not only for a laptop: the core, plugins and their clients. */
export function isOurs(file: string): boolean {
  return !/^(dev|bench|migrations)\//.test(file)
}

export function topOf(file: string): string {
  return file.split('/')[0]!
}

export function isModule(name: string): boolean {
  return (
    !/\.ts|^portal\//.test(name) &&
    (builtinModules.includes(name) || /^(@[\w-]+\/)?[a-z][\w:/.-]*$/.test(name)) &&
    !texts.has(name)
  )
}

export function inWords({ from, to, typesOnly }: Import): string {
  return `${from} → ${to}${typesOnly ? ' (types)' : ''}`
}
