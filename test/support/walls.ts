import { circleFrom, circlesAmong, onBothSides } from './circles.ts'
import { type Import, partOf } from './house.ts'
import { MAY_IMPORT, MAY_USE, MAY_USE_ELSEWHERE, mayImport } from './rooms.ts'
import { tooLong } from './sizes.ts'
import { targetWords } from './target-words.ts'
import { type House, inWords, isModule, isOurs, topOf } from './whole-house.ts'

export function upwards({ among, clients }: House): string[] {
  const astray = among.filter(({ from, to, typesOnly }) => {
    const { running, types } = allowed(partOf(from), clients)
    return ![partOf(from), ...running, ...(typesOnly ? types : [])].some((part) => isWithin(part, to))
  })
  return astray.map(inWords)
}

/** What may be imported and is not, or not as more than a type. */
export function untaken({ files, among, clients }: House, table: Readonly<Record<string, string>> = MAY_IMPORT): string[] {
  const parts = new Set([...files.map(partOf), ...Object.keys(table)])
  return [...parts].flatMap((from) => {
    const { running, types } = allowed(from, clients, table)
    const taken = (to: string, asTypes: boolean) =>
      among.some((one) => partOf(one.from) === from && isWithin(to, one.to) && one.typesOnly === asTypes)
    return [
      ...running.filter((to) => !taken(to, false)).map((to) => `${from} → ${to}`),
      ...types.filter((to) => !taken(to, true)).map((to) => `${from} → ${to} (types)`),
    ]
  })
}

function allowed(part: string, clients: readonly string[], table = MAY_IMPORT): { running: string[]; types: string[] } {
  const [running = '', types = ''] = mayImport(part, clients, table).split(':')
  return { running: listed(running), types: listed(types) }
}

function listed(words: string): string[] {
  return words.split(' ').filter((word) => word !== '')
}

function isWithin(part: string, file: string): boolean {
  return partOf(file) === part || partOf(file).startsWith(`${part}/`)
}

/** Modules that are asked for by a name that is worked out. */
export function unreadable({ files, code }: House): string[] {
  return files.filter(
    (file) =>
      isOurs(file) && /\bcreateRequire\b|(?<!\.)\brequire\(|(?<!\.)\bimport\((?!\s*['"`][^'"`$]+['"`])/.test(code.get(file)!),
  )
}

/** What is asked for by a name that is neither a file's nor a module's: one that `package.json` would have to explain, or a wrong one. */
export function nowhere({ imports, code }: House): string[] {
  return imports.filter(({ to }) => !code.has(to) && !isModule(to) && !/\.(css|svg)$/.test(to)).map(inWords)
}

export function foreign({ imports, clients }: House): string[] {
  const modules = imports.filter(({ to }) => isModule(to))
  return modules.filter(({ from, to }) => !usable(from, clients).some((module) => isModuleOf(module, to))).map(inWords)
}

/** What a part may use and does not. What any plugin, any client may use is theirs to take. */
export function unused({ imports, clients }: House, table: Readonly<Record<string, string>> = MAY_USE): string[] {
  const own = (part: string) => listed(table[part]!).filter((word) => word !== '+')
  const rows = Object.keys(table).filter((part) => part !== 'plugins' && part !== 'clients')
  const uses = (part: string, module: string) => imports.some(({ from, to }) => partOf(from) === part && isModuleOf(module, to))
  const anywhere = (module: string) =>
    imports.some(({ from, to }) => isModuleOf(module, to) && usable(from, clients).includes(module))
  return [
    ...rows.flatMap((part) =>
      own(part)
        .filter((module) => !uses(part, module))
        .map((module) => `${part} → ${module}`),
    ),
    ...listed(MAY_USE_ELSEWHERE).filter((module) => !anywhere(module)),
  ]
}

function usable(file: string, clients: readonly string[]): string[] {
  const row = MAY_USE[partOf(file)] ?? MAY_USE[clients.includes(topOf(file)) ? 'clients' : topOf(file)] ?? MAY_USE_ELSEWHERE
  return listed(row.replace(/^\+/, MAY_USE_ELSEWHERE))
}

function isModuleOf(allowed: string, module: string): boolean {
  return allowed === module || (allowed === 'node:*' && module.startsWith('node:'))
}

/** Plugins that the core imports elsewhere than in the catalog, and plugins that the catalog does not have. */
export function meetings({ among, plugins }: House): string[] {
  const met = among.filter(({ from, to }) => from.startsWith('src/') && to.startsWith('plugins/'))
  const isDoor = ({ from, to }: Import) => from === 'src/catalog/plugins.ts' && /^plugins\/[^/]+\/index\.ts$/.test(to)
  const missed = plugins.filter((name) => !met.some((one) => isDoor(one) && one.to === `plugins/${name}/index.ts`))
  return [...met.filter((one) => !isDoor(one)).map(inWords), ...missed.map((name) => `plugins/${name} is not in the catalog`)]
}

export function pastTheDoor({ among }: House): string[] {
  const reached = among.filter(({ from, to }) => from.startsWith('plugins/') && partOf(from) !== partOf(to))
  return reached.filter(({ to }) => to !== 'src/sdk/index.ts' && !/^[^/]+\/index\.ts$/.test(to)).map(inWords)
}

/** Files of a plugin that tell errors of its client apart, where it has more than one. */
export function errorReaders({ files, code, plugins }: House): string[] {
  const reads = (file: string) => /\bis(?!Broker)\w*Error\(|\binstanceof (?!BrokerError)\w+Error\b/.test(code.get(file)!)
  const readers = plugins.map((name) => files.filter((file) => file.startsWith(`plugins/${name}/`) && reads(file)))
  return readers.filter((those) => those.length > 1).flat()
}

export function decorated({ files, code, clients }: House): string[] {
  const plain = ['plugins', 'dev', ...clients]
  return files.filter((file) => plain.includes(topOf(file)) && /^\s*@[A-Z]\w*\(/m.test(code.get(file)!))
}

/** Where secrets are in clear, and how often. What a plugin has in one file alone is its own business. */
export function revealing({ files, code, plugins }: House): (readonly [string, number])[] {
  const counts = files
    .filter((file) => isOurs(file) && file !== 'src/sdk/secret.ts')
    .map((file) => [file, code.get(file)!.match(/\.reveal\(\)/g)?.length ?? 0] as const)
    .filter(([, count]) => count > 0)
  const alone = plugins.filter((name) => counts.filter(([file]) => file.startsWith(`plugins/${name}/`)).length === 1)
  return counts.filter(([file]) => !alone.some((name) => file.startsWith(`plugins/${name}/`)))
}

export function entities({ files, code }: House): string[] {
  const entity =
    /@(Entity|Column|PrimaryColumn)\(|\bgetRepository\b|\bcreateQueryBuilder\b|\.manager\.(save|insert|update|upsert|delete|remove|find\w*|count)\b/
  return files.filter((file) => entity.test(code.get(file)!))
}

/** Of types as well: two files that need each other to be understood are one. */
export function circles({ files, among }: House): string[] {
  const next = Map.groupBy(among, ({ from }) => from)
  return files.flatMap((file) => circleFrom(file, next) ?? [])
}

export function folderCircles({ among }: House): string[] {
  return circlesAmong(among)
}

/** A file of a folder stands above the folders in it, or below them. What lies in `src` itself has lines in the table of rooms. */
export function betweenFolders({ among }: House): string[] {
  return onBothSides(among.filter(({ from, to }) => [from, to].every((file) => !/^src\/[^/]+$/.test(file))))
}

export function clockReaders({ files, code }: House): string[] {
  const said = (file: string) => (file.startsWith('plugins/') ? '(?!\\.toISOString\\(\\))' : '')
  return files.filter((file) => isOurs(file) && new RegExp(`Date\\.now\\(|new Date\\(\\)${said(file)}`).test(code.get(file)!))
}

/** Walls that hold a plugin by its folder, and nobody need name it. */
export const AROUND_PLUGINS = [
  upwards,
  untaken,
  unreadable,
  foreign,
  unused,
  entities,
  meetings,
  pastTheDoor,
  errorReaders,
  circles,
  folderCircles,
  betweenFolders,
  tooLong,
  targetWords,
  clockReaders,
  decorated,
  revealing,
]
