import { ERRORS } from '../../src/sdk/errors.ts'
import { ANYBODY_SAYS, BOTH_SAY, LISTS_PLUGINS, NAMES_TARGETS } from './rooms.ts'
import { type House, topOf } from './whole-house.ts'

/** Within a name, too. */
const NAMES = ['vault', 'openbao', 'hashicorp', 'userpass', 'approle', 'cubbyhole', 'unseal']
/** As words, or as parts of a name: `kvMounts`, `FROM_KV`. */
const WORDS = [
  'bao',
  'kv\\d*',
  'hcl',
  'pki',
  'transit',
  'accessors?',
  'acl',
  'mount(s|ed|ing)?',
  'leas(es?|ed|ing)',
  'namespaces?',
  'raft',
  'unwrap\\w*',
  'seal status',
  'entity alias(es)?',
  'wrap(ping)? (token|ttl|info)',
  '(role|secret) id',
  'root token',
  'token role',
  '(batch|orphan|periodic|service) tokens?',
  'secrets? engines?',
  'performance (standby|standbys|replicas?)',
  'max ttl',
  'response wrapping',
  'server is sealed',
  'identity (entity|entities)',
  'deleted versions',
  'hv[sbr]',
  'creds',
  'target\\.(sealed|standby|uninitiali[sz]ed)',
]
const OF_A_TARGET = new RegExp(`\\b(\\w*(${NAMES.join('|')})\\w*|${WORDS.join('|')})\\b`, 'gi')

/** What the core and the portal say in words of a target: in code, in comments, in pages and styles. */
export function targetWords(house: House): string[] {
  const mayBeSaid = (file: string, word: string) =>
    (file === LISTS_PLUGINS && house.plugins.includes(inKebab(word))) ||
    NAMES_TARGETS.some((one) => file.startsWith(one.place) && one.word.test(word))
  return wordsSaid(house)
    .filter(([file, word]) => !mayBeSaid(file, word))
    .map(([file, word]) => `${file}: ${word}`)
}

/** What to do where the wall stops somebody. */
export const REMEDY =
  'say it in words of the core; or, where the core has it of itself, give it a row in BOTH_SAY of test/support/rooms.ts, with the reason'

/** Whether an exception is needed. */
export function isSaid(house: House, one: (typeof NAMES_TARGETS)[number]): boolean {
  return wordsSaid(house).some(([file, word]) => file.startsWith(one.place) && one.word.test(word))
}

/** Whether a word that both say is said by both. */
export function isShared(house: House, word: string): boolean {
  const said = (file: string) => [...house.texts.get(file)!.matchAll(COMPOUND)].some(([one]) => inKebab(one) === inKebab(word))
  const { theirs } = pluginWords(house)
  return theirs.has(inKebab(word)) && coreOf(house).some(said)
}

/** Whether one that anybody says is said in the core, and by no rule besides. */
export function isNeeded(house: House, word: string): boolean {
  const said = (file: string) => compoundsIn(house.texts.get(file)!).some(([, kebab]) => kebab === inKebab(word))
  return coreOf(house).some(said) && !isOfTheContract(house)(inKebab(word))
}

function coreOf({ texts }: House): string[] {
  return [...texts.keys()].filter((file) => /^(src|portal)\//.test(file))
}

function wordsSaid(house: House): (readonly [file: string, word: string])[] {
  const { plugins, texts } = house
  const named = new RegExp(plugins.flatMap(spellings).join('|'), 'g')
  const { compounds, paths } = pluginWords(house)
  return coreOf(house).flatMap((file) => {
    const text = texts.get(file)!
    const theirs = compoundsIn(text).filter(([, kebab]) => compounds.has(kebab))
    const found = [...ofATarget(text), ...foundIn(text, named), ...foundIn(text, paths), ...theirs.map(([word]) => word)]
    return [...new Set(found)].map((word) => [file, word] as const)
  })
}

/** A plugin's name as a word, or at the beginning of one: `key-server`, `keyServerUrl`, `KeyServer`, `KEY_SERVER`. */
function spellings(plugin: string): string[] {
  const words = plugin.split('-')
  const pascal = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  const camel = pascal.charAt(0).toLowerCase() + pascal.slice(1)
  const lower = [plugin, words.join('_'), camel].map((one) => `(?<![A-Za-z])${one}(?![a-z])`)
  return [...lower, `${pascal}(?![a-z])`, `(?<![A-Z])${words.join('_').toUpperCase()}(?![A-Z])`]
}

const found = new Map<string, Map<string, readonly string[]>>()

/** Once for each text. */
function foundIn(text: string, looked: RegExp): readonly string[] {
  const those = found.get(looked.source) ?? new Map<string, readonly string[]>()
  found.set(looked.source, those)
  const now = those.get(text) ?? [...text.matchAll(looked)].map(([word]) => word)
  those.set(text, now)
  return now
}

/** Words of several parts: `wrap_info`, `entity-alias`, `lookupSelf`. */
const COMPOUND = /[A-Za-z][A-Za-z\d]*(?:[-_][A-Za-z\d]+)*/g

/**
 * What plugins and their clients say of several parts is of their targets, but what everybody says who speaks of such things: fields of
 * answers, ends of paths. And paths that begin as those they call.
 */
function pluginWords(house: House): {
  /** all of them, and those that only they say */
  readonly theirs: ReadonlySet<string>
  readonly compounds: ReadonlySet<string>
  readonly paths: RegExp
} {
  const { files, code, clients } = house
  const said = files
    .filter((file) => topOf(file) === 'plugins' || clients.includes(topOf(file)))
    .map((file) => saidIn(code.get(file)!))
  const ends = new Set(said.flatMap((one) => one.ends))
  const theirs = new Set([...said.flatMap(({ fields }) => fields), ...ends])
  const shared = [
    ...[...BOTH_SAY, ...ANYBODY_SAYS].flatMap(({ words }) => words.split(' ')),
    ...Object.keys(ERRORS).flatMap((code) => code.split('.')),
  ]
  const ours = new Set(shared.map(inKebab))
  const isOurs = isOfTheContract(house)
  const compounds = new Set([...theirs].filter((word) => !ours.has(word) && (ends.has(word) || !isOurs(word))))
  const begins = [...new Set(['sys', ...said.flatMap(({ firsts }) => firsts)])].join('|')
  // Not where a folder or an address of ours goes on: `../identity/people`, `/auth/login`.
  const paths = new RegExp(`(?<![\\w./-])(?:${begins})/[\\w$<{:*-]+|/v\\d/(?:${begins})/`, 'g')
  return { theirs, compounds, paths }
}

/**
 * The core has a name of itself whose every part is in the contract’s names of fields: `expires_at`, `user_id`. Of other fields than that of
 * this name, so that no word of a target excuses itself by getting there.
 */
function isOfTheContract({ files, code }: House): (word: string) => boolean {
  const names = new Set(files.filter((file) => file.startsWith('src/contract/')).flatMap((file) => fieldsIn(code.get(file)!)))
  const times = new Map<string, number>()
  for (const part of [...names].flatMap((name) => [...new Set(name.split('-'))])) times.set(part, (times.get(part) ?? 0) + 1)
  const has = (word: string, part: string) => (times.get(part) ?? 0) - (names.has(word) ? 1 : 0) >= 1
  return (word) => word.split('-').every((part) => has(word, part))
}

const FIELD = /(?<![\w$.])[a-z][A-Za-z\d]*(?=\??:(?!:))/g

function fieldsIn(code: string): readonly string[] {
  return foundIn(code, FIELD).map(inKebab)
}

interface Said {
  readonly fields: readonly string[]
  readonly ends: readonly string[]
  readonly firsts: readonly string[]
}

const known = new Map<string, Said>()

/** Once for each text. */
function saidIn(code: string): Said {
  const before = known.get(code)
  if (before) return before
  const fields = [...code.matchAll(/\b[a-z]+(?:_[a-z\d]+)+\b/g)].map(([word]) => inKebab(word))
  const paths = [...code.matchAll(/\bpath: \[([^\]]*)\]/g)].map(([, list = '']) => list)
  const ends = paths.flatMap((list) => [...list.matchAll(/[a-z]+(?:-[a-z\d]+)+/g)].map(([word]) => word))
  // One part alone is the field of an input.
  const firsts = paths.flatMap((list) => /^\s*['"`]([a-z]+)(?:\/|['"`],)/.exec(list)?.[1] ?? [])
  const now = { fields, ends, firsts }
  known.set(code, now)
  return now
}

function inKebab(word: string): string {
  return word
    .replace(/(?<=[a-z\d])(?=[A-Z])/g, '-')
    .replaceAll('_', '-')
    .toLowerCase()
}

const parts = new Map<string, readonly (readonly [word: string, kebab: string])[]>()

/** Once for each text. */
function compoundsIn(text: string): readonly (readonly [word: string, kebab: string])[] {
  const before = parts.get(text)
  if (before) return before
  const now = [...new Set([...text.matchAll(COMPOUND)].map(([word]) => word))].map((word) => [word, inKebab(word)] as const)
  parts.set(text, now)
  return now
}

const read = new Map<string, readonly string[]>()

/** Once for each text. */
function ofATarget(text: string): readonly string[] {
  const before = read.get(text)
  if (before) return before
  const divided = text.replace(/(?<=[a-z\d])(?=[A-Z])|[_-]/g, ' ')
  const now = [text, divided].flatMap((each) => [...each.matchAll(OF_A_TARGET)].map(([word]) => word))
  read.set(text, now)
  return now
}
