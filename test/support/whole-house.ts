import { readdirSync, readFileSync, statSync } from 'node:fs'
import { builtinModules } from 'node:module'
import path from 'node:path'
import { type Import, readCode, root } from './house.ts'

/** All files of code, and what they import: of ours `among`. */
export interface House {
  readonly files: readonly string[]
  /** of these, and of what lies beside them and is no code: pages, styles, settings */
  readonly texts: ReadonlyMap<string, string>
  /** without comments */
  readonly code: ReadonlyMap<string, string>
  readonly lines: ReadonlyMap<string, number>
  readonly imports: readonly Import[]
  readonly among: readonly Import[]
  /** names of the folders below `plugins`, and those of them that have a client at the root */
  readonly plugins: readonly string[]
  readonly clients: readonly string[]
}

const CODE = /\.[cm]?[jt]sx?$/
/** What a browser is given beside code, and what is written for people. */
const NO_CODE = /\.(css|svg|md)$/

/** What Vite builds the portal with runs on a laptop alone. */
function isCode(file: string): boolean {
  return CODE.test(file) && !/^portal\/[^/]+$/.test(file)
}

export const texts = textsIn(root)
export const house = houseOf(texts)

/** Every file that lies on the disk below a checkout where code is, whatever its ending. */
export function textsIn(checkout: string): ReadonlyMap<string, string> {
  const found = [...filesIn(checkout, placesOf(checkout)), ...besideThePortal(checkout)]
  return new Map(found.map((file) => [file, readFileSync(path.join(checkout, file), 'utf8')]))
}

/** Files that nobody here can read: neither code, nor known to be none. */
export function unknownIn(checkout: string): string[] {
  const ours = placesOf(checkout).filter((place) => !/^(dev|bench|migrations)$/.test(place))
  const isHidden = (file: string) => path.basename(file).startsWith('.')
  return filesIn(checkout, ours).filter((file) => !CODE.test(file) && !NO_CODE.test(file) && !isHidden(file))
}

/** Where code is: a plugin’s client is at the root, under the plugin’s name. */
function placesOf(checkout: string): string[] {
  const clients = foldersIn(path.join(checkout, 'plugins')).filter((name) => foldersIn(checkout).includes(name))
  return ['src', 'plugins', 'dev', 'bench', 'portal/src', 'migrations', ...clients]
}

/** The page that the portal starts from, and its settings. */
function besideThePortal(checkout: string): string[] {
  return readdirSync(path.join(checkout, 'portal'), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => `portal/${name}`)
}

function foldersIn(place: string): string[] {
  return readdirSync(place).filter((name) => statSync(path.join(place, name)).isDirectory())
}

function filesIn(checkout: string, places: readonly string[]): string[] {
  return places.flatMap((place) =>
    readdirSync(path.join(checkout, place), { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => path.relative(checkout, path.join(entry.parentPath, entry.name))),
  )
}

export function houseOf(texts: ReadonlyMap<string, string>): House {
  const files = [...texts.keys()].filter(isCode).sort()
  const read = new Map(files.map((file) => [file, readCode(file, texts.get(file)!)]))
  const code = new Map(files.map((file) => [file, read.get(file)!.code]))
  const lines = new Map(files.map((file) => [file, texts.get(file)!.split('\n').length - 1]))
  const imports = files.flatMap((file) => read.get(file)!.imports)
  const plugins = [...new Set(files.filter((file) => file.startsWith('plugins/')).map((file) => file.split('/')[1]!))]
  const clients = plugins.filter((name) => files.some((file) => topOf(file) === name))
  return { files, texts, code, lines, imports, among: imports.filter(({ to }) => code.has(to)), plugins, clients }
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
    !/\.[cm]?ts|^portal\//.test(name) &&
    (builtinModules.includes(name) || /^(@[\w-]+\/)?[a-z][\w:/.-]*$/.test(name)) &&
    !texts.has(name)
  )
}

export function inWords({ from, to, typesOnly }: Import): string {
  return `${from} → ${to}${typesOnly ? ' (types)' : ''}`
}
