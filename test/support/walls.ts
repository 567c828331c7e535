import { circleFrom, circlesAmong } from './circles.ts'
import { type Import, partOf } from './house.ts'
import { MAY_USE, MAY_USE_ELSEWHERE, mayImport, NAMES_TARGETS } from './rooms.ts'
import { type House, inWords, isModule, isOurs, topOf } from './whole-house.ts'

export const LONGEST_FILE = 300

export function upwards({ among, clients }: House): string[] {
  const astray = among.filter(({ from, to, typesOnly }) => {
    const [running = '', types = ''] = mayImport(partOf(from), clients)
      .split(':')
      .map((part) => part.trim())
    const allowed = [partOf(from), ...running.split(' '), ...(typesOnly ? types.split(' ') : [])]
    return !allowed.some((part) => part === partOf(to) || partOf(to).startsWith(`${part}/`))
  })
  return astray.map(inWords)
}

/** Modules that are asked for by a name that is worked out. */
export function unreadable({ files, code }: House): string[] {
  return files.filter(
    (file) =>
      isOurs(file) && /\bcreateRequire\b|(?<!\.)\brequire\(|(?<!\.)\bimport\((?!\s*['"`][^'"`$]+['"`])/.test(code.get(file)!),
  )
}

export function foreign({ imports, clients }: House): string[] {
  const modules = imports.filter(({ to }) => isModule(to))
  const general = (file: string) => MAY_USE[clients.includes(topOf(file)) ? 'clients' : topOf(file)]
  return modules.filter(({ from, to }) => !(MAY_USE[partOf(from)] ?? general(from) ?? MAY_USE_ELSEWHERE).test(to)).map(inWords)
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

export function subroomCircles({ among }: House): string[] {
  return circlesAmong(among)
}

export function tooLong({ lines }: Pick<House, 'lines'>): string[] {
  return [...lines].filter(([, count]) => count > LONGEST_FILE).map(([file, count]) => `${file}: ${count}`)
}

const OF_A_TARGET = /\b\w*(vault|userpass|openbao|approle|wrap_?ttl)\w*|\b(kv|hcl|mount(s|ed)?|leases?|lease\w+)\b|\bsys\/\w+/gi

/** A row of due work is leased, in a word of the broker's own. */
export function targetWords({ files, code, plugins }: House): string[] {
  const core = files.filter((file) => file.startsWith('src/') && !Object.hasOwn(NAMES_TARGETS, file))
  const quoted = new RegExp(`(?<=['"\`])(?:${plugins.join('|')})(?=['"\`])`, 'g')
  return core.flatMap((file) =>
    [OF_A_TARGET, quoted]
      .flatMap((words) => [...code.get(file)!.matchAll(words)])
      .filter(([word]) => !(file.startsWith('src/platform/due/') && word.startsWith('lease')))
      .map(([word]) => `${file}: ${word}`),
  )
}

export function clockReaders({ files, code }: House): string[] {
  const said = (file: string) => (file.startsWith('plugins/') ? '(?!\\.toISOString\\(\\))' : '')
  return files.filter((file) => isOurs(file) && new RegExp(`Date\\.now\\(|new Date\\(\\)${said(file)}`).test(code.get(file)!))
}

/** Walls that hold a plugin by its folder, and nobody need name it. */
export const AROUND_PLUGINS = [
  upwards,
  unreadable,
  foreign,
  entities,
  meetings,
  pastTheDoor,
  errorReaders,
  circles,
  subroomCircles,
  tooLong,
  targetWords,
  clockReaders,
  decorated,
  revealing,
]
