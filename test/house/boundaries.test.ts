import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERRORS } from '../../src/sdk/errors.ts'
import { type Import, readCode, root } from '../support/house.ts'

/** Which room may import which, from the ground up. What stands behind a colon is for types alone: it is gone when the code runs. */
const MAY_IMPORT: Record<string, string> = {
  'src/sdk': '',
  'src/contract': '',
  'src/config': 'src/contract src/sdk',
  // What every program that calls the broker goes through: command line, demo.
  'src/api-client': 'src/contract src/sdk',
  'src/platform': 'src/config src/contract src/sdk migrations',
  'src/audit': 'src/platform src/config src/contract src/sdk',
  'src/identity': 'src/audit src/platform src/config src/contract src/sdk',
  // Changes that a second person accepts: known to whatever can be proposed.
  'src/changes': 'src/identity src/audit src/platform src/config src/contract src/sdk',
  // Its one import of a plugin has a test of its own.
  'src/catalog': 'plugins src/identity src/audit src/platform src/contract src/sdk',
  'src/integrations': 'src/catalog src/changes src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/actions': 'src/integrations src/catalog src/identity src/audit src/platform src/contract src/sdk',
  'src/distribution':
    'src/runs src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/contract src/sdk',
  'src/approvals': 'src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/runs':
    'src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/rotation':
    'src/runs src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/contract src/sdk',
  'src/grants':
    'src/approvals src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/access':
    'src/runs src/grants src/approvals src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/notifications':
    'src/access src/rotation src/approvals src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/last-words.ts': 'src/config src/sdk',
  'src/app.module.ts':
    'src/notifications src/access src/distribution src/rotation src/runs src/audit src/identity src/changes src/integrations src/catalog src/platform src/config : src/sdk',
  'src/app.ts': 'src/app.module.ts src/platform src/config : src/sdk',
  'src/main.ts': 'src/app.ts src/last-words.ts src/platform src/config : src/sdk',
  // Commands that work on the database itself go no higher than who is who and what happened.
  'src/cli': 'src/api-client src/identity src/audit src/platform src/config src/last-words.ts src/contract src/sdk',
  migrations: '',
  // The demo brings its own database, with the launcher the daemon has.
  dev: 'src/api-client src/contract src/sdk src/platform',
  // In the browser: what it knows of the broker is the wire.
  portal: 'src/api-client src/contract',
  bench: 'src/sdk src/contract src/platform src/identity src/config src/app.ts src/main.ts dev plugins : src/access src/grants',
}

/** A plugin imports the SDK and its target's client: the root's folder of its name, for other programs too, which knows nothing of the broker. */
function mayImport(part: string, clients: readonly string[]): string {
  if (part.startsWith('plugins/')) return `src/sdk ${part.slice('plugins/'.length)}`
  return clients.includes(part) ? '' : (MAY_IMPORT[part] ?? 'nothing')
}

const LONGEST_FILE = 300
/** A released migration is changed no more. */
const ONCE_AND_FOR_ALL = 'migrations/0001-initial.ts'
const LONGEST_MEDIAN = 90

/** What of npm each part may use; node's own modules are for all but the sdk and the contract. */
const MAY_USE: Record<string, RegExp> = {
  'src/sdk': /^zod$/,
  'src/contract': /^zod$/,
  'src/platform': /^(@nestjs\/.+|@opentelemetry\/.+|express|nestjs-pino|node:.+|pg|pino|pino-http|typeorm|zod)$/,
  'src/config': /^(zod|pg|node:.+)$/,
  'src/changes': /^(@nestjs\/(common|core|schedule|swagger)|express|rxjs|zod|node:.+)$/,
  'src/notifications': /^(@nestjs\/(common|swagger)|@opentelemetry\/api|ipaddr\.js|nodemailer|undici|zod|node:.+)$/,
  'src/distribution': /^(@nestjs\/(common|schedule|swagger)|express|node-forge|zod|node:.+)$/,
  'src/rotation': /^(@nestjs\/(common|core|schedule|swagger)|croner|zod|node:.+)$/,
  'src/identity':
    /^(@nestjs\/(common|core|swagger)|connect-pg-simple|express|express-session|jose|openid-client|rxjs|undici|zod|node:.+)$/,
  'src/app.ts': /^(@nestjs\/.+|helmet|pino|reflect-metadata)$/,
  'src/cli': /^(commander|openid-client|typeorm|undici|zod|node:.+)$/,
  migrations: /^typeorm$/,
  // What every plugin and every client may use, unless it has a line of its own.
  plugins: /^(zod|node:.+)$/,
  clients: /^node:.+$/,
  vault: /^(undici|node:.+)$/,
  'plugins/vault': /^(zod|@node-rs\/bcrypt|node:.+)$/,
  portal: /^(@mantine\/core(\/styles\.css)?|@mantine\/hooks|@tanstack\/react-(query|router)|react|react-dom\/client|zod)$/,
  dev: /^(oidc-provider|pg|playwright-core|undici|zod|node:.+)$/,
  bench: /./,
}
const MAY_USE_ELSEWHERE = /^(@nestjs\/(common|core|schedule|swagger)|@opentelemetry\/api|express|zod|node:.+)$/

/** Where the core may say a word of a target. */
const NAMES_TARGETS: Record<string, string> = {
  'src/catalog/plugins.ts': 'the list of plugins',
  'src/cli/commands/certificate-sources.ts':
    'options name a place as people do who look after that target; the API takes it as the plugin has it',
}

/** Where the wall clock is read, and not only said in a plugin. Whatever decides about access compares times in SQL or with the target's own. */
const CLOCKS: Record<string, string> = {
  'src/platform/ids.ts': 'ids sort by their time; nothing decides by it',
  'src/integrations/health/health.service.ts':
    'the time of a finding that is answered but not stored, as its integration changed',
  'plugins/vault/features.ts': 'an expiration that is far enough, to see whether the server takes one',
  'plugins/vault/probe-names.ts': 'whether a probe is over: some minutes more or less do no harm',
  'vault/session.ts': 'when the session ends, for people to read',
  'vault/transport.ts': 'when an answer came, for the receipt',
}

const PURE = [
  'src/access/rules/conditions.ts',
  'src/approvals/stages/enough-approvers.ts',
  'src/access/rules/evaluate.ts',
  'src/access/rules/fields.ts',
  'src/approvals/requests/request-machine.ts',
  'src/approvals/stages/stages.ts',
  'src/actions/action-run.ts',
  'src/actions/run-machine.ts',
  'src/grants/grant-machine.ts',
  'src/identity/callers/hands.ts',
  'src/integrations/resources/glob.ts',
  'src/platform/machine.ts',
  'src/platform/time-windows.ts',
  'src/rotation/schedule.ts',
  'src/rotation/turn-machine.ts',
  'plugins/vault/policy.ts',
]

/** All files with their text, without comments, and what they import: of ours `among`. */
interface House {
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
const found = globSync(['{src,plugins,dev,bench,portal/src}/**/*.{ts,tsx}', 'migrations/*.ts', ...clientsHere], { cwd: root })
const texts = new Map(found.map((file) => [file, readFileSync(path.join(root, file), 'utf8')]))
const house = houseOf(texts)
const { files, code, imports, among } = house

describe('the house', () => {
  it('has all its files read, and every import of ours leads to one of them', () => {
    expect(files.length).toBeGreaterThan(150)
    expect(imports.length).toBeGreaterThan(700)
    expect(imports.filter(({ to }) => /\.(tsx?|js)$/.test(to) && !code.has(to) && !isModule(to))).toEqual([])
  })

  it('names what it imports where one can read it', () => {
    expect(unreadable(house)).toEqual(['src/platform/postgres/postgres-binaries.ts']) // the package of this machine’s kind
  })

  it('imports downwards only', () => {
    expect(upwards(house)).toEqual([])
  })

  it('has no circle in the table of what may import what', () => {
    const parts = [...Object.keys(MAY_IMPORT), ...house.plugins.map((name) => `plugins/${name}`), ...house.clients]
    const arrows = parts.flatMap((from) =>
      mayImport(from, house.clients)
        .split(/[ :]+/)
        .filter((to) => to !== '')
        .map((to) => ({ from: `${from}/x`, to: `${to}/x`, typesOnly: false })),
    )
    expect(arrows.length).toBeGreaterThan(100)
    expect(circlesAmong(arrows)).toEqual([])
  })

  it('gives sdk, contract, plugins and the laptop’s tools only the modules they may use', () => {
    expect(foreign(house)).toEqual([])
  })

  it('asks the database in SQL alone: TypeORM connects, keeps transactions and runs migrations', () => {
    const users = imports.filter(({ from, to }) => to === 'typeorm' && !from.startsWith('migrations/')).map(({ from }) => from)
    expect(users).toEqual([
      'src/cli/with-database.ts',
      'src/platform/platform.module.ts',
      'src/platform/postgres/database.ts',
      'src/platform/postgres/migrate.ts',
    ])
    expect(entities(house)).toEqual([])
  })

  it('meets plugins in one file, which has them all', () => {
    expect(house.plugins).toContain('vault')
    expect(meetings(house)).toEqual([])
  })

  it('shows a plugin one file of ours and one of its client, and no plugin another', () => {
    expect(pastTheDoor(house)).toEqual([])
  })

  it('reads the errors of a target’s client in one file of each plugin, where they become the broker’s', () => {
    expect(errorReaders(house)).toEqual([])
    const opening = files.filter((file) => file.startsWith('plugins/vault/') && /\bopenVault\b/.test(code.get(file)!))
    expect(opening).toEqual(['plugins/vault/connection.ts'])
  })

  it('reads the mounts of a Vault in one file', () => {
    const readers = files.filter((file) => /path: \['sys\/(internal\/ui\/mounts|mounts|auth)'\]/.test(code.get(file)!))
    expect(readers.filter((file) => isOurs(file))).toEqual(['plugins/vault/mounts.ts'])
  })

  it('has no circle among files that run', () => {
    expect(circles(house)).toEqual([])
  })

  // A file at the top of a room is a subroom of its own: it may tie together what lies below it.
  it('has no circle among subrooms', () => {
    expect(subroomCircles(house)).toEqual([])
  })

  it('has files that one can read in one go', () => {
    expect(tooLong(house)).toEqual([])
    const counts = [...house.lines.values()]
    counts.sort((a, b) => a - b)
    expect(counts[Math.floor(counts.length / 2)]).toBeLessThanOrEqual(LONGEST_MEDIAN)
  })

  it('knows no target by name: no Vault, KV, HCL or userpass in the core', () => {
    expect(targetWords(house)).toEqual([])
  })

  it('has codes of errors that fit any target', () => {
    const words = Object.keys(ERRORS).flatMap((code) => code.split(/[._]/))
    const ofOneTarget = [
      'sealed',
      'standby',
      'namespace',
      'mount',
      'policy',
      'batch',
      'lease',
      'wrapping',
      'initialized',
      'uninitialized',
    ]
    expect(words.filter((word) => ofOneTarget.includes(word))).toEqual([])
  })

  it('reads the wall clock only where a reason is written', () => {
    expect(clockReaders(house)).toEqual(Object.keys(CLOCKS).sort())
  })

  it('keeps decisions free of clock, chance and waiting, and has them build on each other alone', () => {
    for (const file of PURE) {
      expect(code.get(file), `${file} is there`).toBeDefined()
      expect(code.get(file), file).not.toMatch(/\bawait\b|Math\.random|Date\.now|new Date\(\)|performance\.now|randomBytes/)
    }
    const impure = among.filter(({ from, to, typesOnly }) => PURE.includes(from) && !typesOnly && !PURE.includes(to))
    expect(impure.map(inWords)).toEqual([
      'plugins/vault/policy.ts → src/sdk/index.ts', // the error it refuses a name with
      'plugins/vault/policy.ts → plugins/vault/names.ts',
      'plugins/vault/policy.ts → plugins/vault/resource-types.ts',
      'src/rotation/schedule.ts → src/sdk/index.ts', // the error it refuses a schedule with
    ])
  })

  it('decorates nothing in plugins and the laptop’s tools', () => {
    expect(decorated(house)).toEqual([])
  })

  // A new line here is a new place where a secret is in the clear: look at where it goes from there. A plugin has one without a line.
  it('reveals secrets in these places and no other', () => {
    expect(Object.fromEntries(revealing(house))).toMatchInlineSnapshot(`
      {
        "plugins/vault/actions/grant-user.ts": 1,
        "plugins/vault/actions/rotate-kv-secret.ts": 1,
        "plugins/vault/actions/sealed-values.ts": 1,
        "plugins/vault/certificates/distribute-certificate.ts": 4,
        "plugins/vault/config.ts": 2,
        "plugins/vault/logins.ts": 1,
        "src/access/actions/action-subject.ts": 1,
        "src/actions/journal.ts": 1,
        "src/actions/runner.ts": 1,
        "src/api-client/api-client.ts": 1,
        "src/changes/four-eyes.ts": 1,
        "src/changes/scim-token-changes.ts": 2,
        "src/cli/commands/bootstrap.ts": 1,
        "src/cli/with-database.ts": 1,
        "src/distribution/certificates/pkcs12.ts": 1,
        "src/distribution/fan-out/fan-out.ts": 1,
        "src/distribution/sources/origins.ts": 1,
        "src/distribution/sources/renewing.ts": 1,
        "src/distribution/targets/credential.ts": 2,
        "src/grants/grants.service.ts": 1,
        "src/identity/sign-in/confirmation.ts": 5,
        "src/identity/sign-in/provider.ts": 1,
        "src/identity/sign-in/session-refresh.ts": 2,
        "src/identity/sign-in/session-tokens.ts": 3,
        "src/identity/sign-in/sign-in-cookies.ts": 1,
        "src/identity/sign-in/sign-in.service.ts": 1,
        "src/identity/tokens/enrolment.service.ts": 3,
        "src/identity/tokens/mint-token.ts": 1,
        "src/identity/tokens/tokens.service.ts": 1,
        "src/integrations/secrets/config-secrets.ts": 4,
        "src/integrations/secrets/integration-config.ts": 2,
        "src/main.ts": 2,
        "src/notifications/mailer.ts": 1,
        "src/notifications/webhook-signature.ts": 1,
        "src/notifications/webhooks.service.ts": 2,
        "src/platform/installation/state-folder.ts": 1,
        "src/platform/sealing/sealing.ts": 1,
        "src/rotation/doing.ts": 1,
        "vault/auth/approle.ts": 3,
        "vault/connector.ts": 1,
        "vault/transport.ts": 4,
      }
    `)
  })
})

/** What each wall is for: a file that breaks it, and nothing else, is put into the house. */
const PLANTED: readonly {
  wall: (house: House) => readonly unknown[]
  file: string
  text: string
  others?: Record<string, string>
}[] = [
  { wall: upwards, file: 'src/audit/planted.ts', text: `import { Revocation } from '../grants/ending/revocation.ts'` },
  { wall: upwards, file: 'src/contract/planted.ts', text: `export type { Config } from '../config/config.ts'` },
  { wall: upwards, file: 'src/platform/planted.ts', text: `const late = await import('../identity/identity.module.ts')` },
  { wall: upwards, file: 'portal/src/planted.tsx', text: `import { Grants } from '../../src/grants/grants.service.ts'` },
  { wall: upwards, file: 'vault/planted.ts', text: `import { BrokerError } from '../src/sdk/index.ts'` },
  { wall: upwards, file: 'src/platform/planted.ts', text: 'const late = await import(`../identity/identity.module.ts`)' },
  { wall: upwards, file: 'src/audit/planted.ts', text: `  import { Revocation } from "../grants/ending/revocation.ts"` },
  {
    wall: upwards,
    file: 'src/audit/planted.ts',
    text: `const a = 1; import { Revocation } from '../grants/ending/revocation.ts'`,
  },
  { wall: upwards, file: 'src/audit/planted.mts', text: `export * from '../grants/ending/revocation.ts'` },
  {
    wall: upwards,
    file: 'src/audit/planted.ts',
    text: `const a = '/*'\nimport { Revocation } from '../grants/ending/revocation.ts'\nconst b = '*/'`,
  },
  { wall: unreadable, file: 'src/platform/planted.ts', text: 'const late = await import(place)' },
  { wall: unreadable, file: 'src/platform/planted.ts', text: `const require = createRequire(import.meta.url)` },
  { wall: foreign, file: 'plugins/vault/planted.ts', text: `import pg from 'pg'` },
  { wall: foreign, file: 'src/grants/planted.ts', text: `import { DataSource } from 'typeorm'` },
  { wall: foreign, file: 'portal/src/planted.tsx', text: `import axios from 'axios'` },
  { wall: foreign, file: 'src/sdk/planted.ts', text: `import { readFileSync } from 'node:fs'` },
  { wall: entities, file: 'src/identity/planted.ts', text: `const one = tx.getRepository(User)` },
  {
    wall: circles,
    file: 'src/audit/planted.ts',
    text: `import { b } from './planted-too.ts'`,
    others: { 'src/audit/planted-too.ts': `import { a } from './planted.ts'` },
  },
  {
    wall: circles,
    file: 'src/audit/planted.ts',
    text: `import type { B } from './planted-too.ts'`,
    others: { 'src/audit/planted-too.ts': `import type { A } from './planted.ts'` },
  },
  {
    wall: circles,
    file: 'vault/planted.ts',
    text: `import type { B } from './planted-too.ts'`,
    others: { 'vault/planted-too.ts': `export interface B { readonly a: import('./planted.ts').A }` },
  },
  {
    wall: subroomCircles,
    file: 'src/grants/ending/planted.ts',
    text: `import type { B } from '../opening/planted.ts'`,
    others: {
      'src/grants/opening/planted.ts': `export type { C } from '../ending/planted-too.ts'`,
      'src/grants/ending/planted-too.ts': '',
    },
  },
  {
    wall: subroomCircles,
    file: 'src/grants/ending/planted.ts',
    text: `import { b } from '../opening/planted.ts'`,
    others: {
      'src/grants/opening/planted.ts': 'export const b = 1',
      'src/grants/opening/planted-too.ts': `import { c } from '../ending/planted-too.ts'`,
      'src/grants/ending/planted-too.ts': 'export const c = 1',
    },
  },
  { wall: tooLong, file: 'src/audit/planted.ts', text: 'const a = 1\n'.repeat(LONGEST_FILE + 1) },
  { wall: entities, file: 'src/identity/planted.ts', text: `await tx.manager.save('users', one)` },
  ...['mount', 'the lease of it', 'sys/policies/acl', 'approle', 'wrap_ttl', 'wrapTtlSeconds'].map((word) => ({
    wall: targetWords,
    file: 'src/grants/planted.ts',
    text: `const a = '${word}'`,
  })),
  { wall: targetWords, file: 'src/cli/commands/planted.ts', text: `const a = 'openbao'` },
  { wall: targetWords, file: 'src/catalog/planted.ts', text: `const a = 'kv'` },
  { wall: targetWords, file: 'src/access/planted.ts', text: `const mount = 'userpass'` },
  { wall: targetWords, file: 'src/grants/planted.ts', text: 'const vaultPolicy = 1' },
  { wall: meetings, file: 'src/grants/planted.ts', text: `import { vault } from '../../plugins/vault/index.ts'` },
  { wall: pastTheDoor, file: 'plugins/vault/planted.ts', text: `import { turns } from '../../vault/turns.ts'` },
  { wall: pastTheDoor, file: 'plugins/vault/planted.ts', text: `import { storable } from '../../src/sdk/errors.ts'` },
  { wall: errorReaders, file: 'plugins/vault/planted.ts', text: 'const isTheirs = isVaultError(error)' },
  { wall: decorated, file: 'plugins/vault/planted.ts', text: '@Injectable()' },
  { wall: revealing, file: 'src/grants/planted.ts', text: 'const clear = password.reveal()' },
  { wall: clockReaders, file: 'src/grants/planted.ts', text: 'const isOver = until < Date.now()' },
]

describe('a wall', () => {
  it.each(PLANTED)('$wall.name notices $text in $file', ({ wall, file, text, others = {} }) => {
    const before = wall(house)
    const after = wall(houseOf(new Map([...texts, [file, text], ...Object.entries(others)])))
    const said = after
      .map(String)
      .filter((one) => !before.map(String).includes(one))
      .join('\n')
    expect(said).toContain(file.includes('/ending/') ? 'src/grants/ending' : file)
  })
})

/** Walls that hold a plugin by its folder, and nobody need name it. */
const AROUND_PLUGINS = [
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

describe('a second plugin', () => {
  const example = (file: string) =>
    readFileSync(path.join(root, 'docs/examples/badges', file), 'utf8').replaceAll('../../../src', '../../src')
  const catalog = texts.get('src/catalog/plugins.ts')!
  const laid = new Map([
    ...texts,
    ['plugins/badges/index.ts', example('plugin.ts')],
    ['plugins/badges/building.ts', example('building.ts')],
    ['src/catalog/plugins.ts', catalog.replace('\n', `\nimport { badges } from '../../plugins/badges/index.ts'\n`)],
  ])

  const second = houseOf(laid)

  it.each(AROUND_PLUGINS.map((wall) => ({ wall })))('is within the wall $wall.name by one line in the catalog', ({ wall }) => {
    expect(second.plugins).toEqual(['badges', ...house.plugins])
    expect(wall(second)).toEqual(wall(house))
  })

  it('is missed where the catalog does not have it', () => {
    expect(meetings(houseOf(new Map([...laid, ['src/catalog/plugins.ts', catalog]])))).toEqual([
      'plugins/badges is not in the catalog',
    ])
  })

  const WRONG: readonly { wall: (house: House) => readonly unknown[]; text: string; others?: Record<string, string> }[] = [
    { wall: upwards, text: `import { Grants } from '../../src/grants/grants.service.ts'` },
    { wall: upwards, text: `import { openVault } from '../../vault/index.ts'` },
    { wall: upwards, text: `import { vault } from '../vault/index.ts'` },
    { wall: pastTheDoor, text: `import { storable } from '../../src/sdk/errors.ts'` },
    { wall: unreadable, text: 'const late = await import(place)' },
    { wall: foreign, text: `import pg from 'pg'` },
    { wall: foreign, text: `import { Injectable } from '@nestjs/common'` },
    { wall: errorReaders, text: 'const isTheirs = error instanceof BuildingError' },
    {
      wall: circles,
      text: `import { badges } from './index.ts'`,
      others: { 'plugins/badges/index.ts': `export { planted } from './planted.ts'` },
    },
    { wall: tooLong, text: 'const a = 1\n'.repeat(LONGEST_FILE + 1) },
    { wall: clockReaders, text: 'const isOver = until.getTime() < Date.now()' },
    { wall: clockReaders, text: 'const isOver = until < new Date()' },
    { wall: decorated, text: '@Injectable()' },
    {
      wall: revealing,
      text: 'const clear = password.reveal()',
      others: { 'plugins/badges/other.ts': 'const clear = key.reveal()' },
    },
  ]
  it.each(WRONG)('does not get past the wall $wall.name', ({ wall, text, others = {} }) => {
    const known = wall(house).map(String)
    const said = wall(houseOf(new Map([...laid, ['plugins/badges/planted.ts', text], ...Object.entries(others)]))).map(String)
    expect(said.filter((one) => !known.includes(one)).join('\n')).toContain('plugins/badges/planted.ts')
  })

  it('is not named in the core', () => {
    const named = new Map([...laid, ['src/grants/planted.ts', `const isTheirs = plugin === 'badges'`]])
    expect(targetWords(houseOf(named))).toContain('src/grants/planted.ts: badges')
  })

  it('may have a client of its own at the root, which knows nothing of the broker', () => {
    const door = [['plugins/badges/planted.ts', `import { openDoor } from '../../badges/index.ts'`]] as const
    const client = (text: string) => houseOf(new Map([...laid, ...door, ['badges/index.ts', text]]))
    const good = client('export const openDoor = 1')
    for (const wall of AROUND_PLUGINS) expect(wall(good)).toEqual(wall(house))
    expect(upwards(client(`import { Secret } from '../src/sdk/index.ts'`))).toEqual(['badges/index.ts → src/sdk/index.ts'])
    expect(foreign(client(`import { z } from 'zod'`))).toEqual(['badges/index.ts → zod'])
    expect(
      pastTheDoor(
        houseOf(
          new Map([
            ...laid,
            ['badges/door.ts', ''],
            ['plugins/badges/planted.ts', `import { door } from '../../badges/door.ts'`],
          ]),
        ),
      ),
    ).toEqual(['plugins/badges/planted.ts → badges/door.ts'])
  })
})

function houseOf(texts: ReadonlyMap<string, string>): House {
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
function isOurs(file: string): boolean {
  return !/^(dev|bench|migrations)\//.test(file)
}

function upwards({ among, clients }: House): string[] {
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
function unreadable({ files, code }: House): string[] {
  return files.filter(
    (file) => isOurs(file) && /\bcreateRequire\b|(?<!\.)\bimport\((?!\s*['"`][^'"`$]+['"`])/.test(code.get(file)!),
  )
}

function foreign({ imports, clients }: House): string[] {
  const modules = imports.filter(({ to }) => isModule(to))
  const general = (file: string) => MAY_USE[clients.includes(topOf(file)) ? 'clients' : topOf(file)]
  return modules.filter(({ from, to }) => !(MAY_USE[partOf(from)] ?? general(from) ?? MAY_USE_ELSEWHERE).test(to)).map(inWords)
}

/** Plugins that the core imports elsewhere than in the catalog, and plugins that the catalog does not have. */
function meetings({ among, plugins }: House): string[] {
  const met = among.filter(({ from, to }) => from.startsWith('src/') && to.startsWith('plugins/'))
  const isDoor = ({ from, to }: Import) => from === 'src/catalog/plugins.ts' && /^plugins\/[^/]+\/index\.ts$/.test(to)
  const missed = plugins.filter((name) => !met.some((one) => isDoor(one) && one.to === `plugins/${name}/index.ts`))
  return [...met.filter((one) => !isDoor(one)).map(inWords), ...missed.map((name) => `plugins/${name} is not in the catalog`)]
}

function pastTheDoor({ among }: House): string[] {
  const reached = among.filter(({ from, to }) => from.startsWith('plugins/') && partOf(from) !== partOf(to))
  return reached.filter(({ to }) => to !== 'src/sdk/index.ts' && !/^[^/]+\/index\.ts$/.test(to)).map(inWords)
}

/** Files of a plugin that tell errors of its client apart, where it has more than one. */
function errorReaders({ files, code, plugins }: House): string[] {
  const reads = (file: string) => /\bis(?!Broker)\w*Error\(|\binstanceof (?!BrokerError)\w+Error\b/.test(code.get(file)!)
  const readers = plugins.map((name) => files.filter((file) => file.startsWith(`plugins/${name}/`) && reads(file)))
  return readers.filter((those) => those.length > 1).flat()
}

function decorated({ files, code, clients }: House): string[] {
  const plain = ['plugins', 'dev', ...clients]
  return files.filter((file) => plain.includes(topOf(file)) && /^\s*@[A-Z]\w*\(/m.test(code.get(file)!))
}

/** Where secrets are in clear, and how often. What a plugin has in one file alone is its own business. */
function revealing({ files, code, plugins }: House): (readonly [string, number])[] {
  const counts = files
    .filter((file) => isOurs(file) && file !== 'src/sdk/secret.ts')
    .map((file) => [file, code.get(file)!.match(/\.reveal\(\)/g)?.length ?? 0] as const)
    .filter(([, count]) => count > 0)
  const alone = plugins.filter((name) => counts.filter(([file]) => file.startsWith(`plugins/${name}/`)).length === 1)
  return counts.filter(([file]) => !alone.some((name) => file.startsWith(`plugins/${name}/`)))
}

function entities({ files, code }: House): string[] {
  const entity =
    /@(Entity|Column|PrimaryColumn)\(|\bgetRepository\b|\bcreateQueryBuilder\b|\.manager\.(save|insert|update|upsert|delete|remove|find\w*|count)\b/
  return files.filter((file) => entity.test(code.get(file)!))
}

/** Of types as well: two files that need each other to be understood are one. */
function circles({ files, among }: House): string[] {
  const next = Map.groupBy(among, ({ from }) => from)
  return files.flatMap((file) => circleFrom(file, next) ?? [])
}

function subroomCircles({ among }: House): string[] {
  return circlesAmong(among)
}

function tooLong({ lines }: House): string[] {
  return [...lines]
    .filter(([file, count]) => file !== ONCE_AND_FOR_ALL && count > LONGEST_FILE)
    .map(([file, count]) => `${file}: ${count}`)
}

const OF_A_TARGET = /\b\w*(vault|userpass|openbao|approle|wrap_?ttl)\w*|\b(kv|hcl|mount(s|ed)?|leases?|lease\w+)\b|\bsys\/\w+/gi

/** A row of due work is leased, in a word of the broker's own. */
function targetWords({ files, code, plugins }: House): string[] {
  const core = files.filter((file) => file.startsWith('src/') && !Object.hasOwn(NAMES_TARGETS, file))
  const quoted = new RegExp(`(?<=['"\`])(?:${plugins.join('|')})(?=['"\`])`, 'g')
  return core.flatMap((file) =>
    [OF_A_TARGET, quoted]
      .flatMap((words) => [...code.get(file)!.matchAll(words)])
      .filter(([word]) => !(file.startsWith('src/platform/due/') && word.startsWith('lease')))
      .map(([word]) => `${file}: ${word}`),
  )
}

function clockReaders({ files, code }: House): string[] {
  const said = (file: string) => (file.startsWith('plugins/') ? '(?!\\.toISOString\\(\\))' : '')
  return files.filter((file) => isOurs(file) && new RegExp(`Date\\.now\\(|new Date\\(\\)${said(file)}`).test(code.get(file)!))
}

function topOf(file: string): string {
  return file.split('/')[0]!
}

function partOf(file: string): string {
  const [top = '', second = ''] = file.split('/')
  return top === 'src' || top === 'plugins' ? `${top}/${second}` : top
}

function isModule(name: string): boolean {
  return (
    !/\.ts|^portal\//.test(name) &&
    (builtinModules.includes(name) || /^(@[\w-]+\/)?[a-z][\w:/.-]*$/.test(name)) &&
    !code.has(name)
  )
}

function circleFrom(start: string, next: ReadonlyMap<string, readonly Import[]>): string | undefined {
  const waiting = [[start]]
  const seen = new Set<string>()
  for (let way = waiting.shift(); way; way = waiting.shift()) {
    for (const { to } of next.get(way.at(-1)!) ?? []) {
      if (to === start) return [...way, to].join(' → ')
      if (seen.has(to)) continue
      seen.add(to)
      waiting.push([...way, to])
    }
  }
  return undefined
}

function subroomOf(file: string): string {
  const folders = file.split('/')
  return folders.length > 3 ? folders.slice(0, 3).join('/') : file
}

/** Subrooms that can be reached from each other, as `a ↔ b`. */
function circlesAmong(arrows: readonly Import[]): string[] {
  const next = new Map<string, Set<string>>()
  for (const { from, to } of arrows) {
    const [a, b] = [subroomOf(from), subroomOf(to)]
    if (a !== b) next.set(a, (next.get(a) ?? new Set()).add(b))
  }
  const reached = new Map([...next.keys()].map((room) => [room, reachedFrom(room, next)]))
  const circles = [...reached].flatMap(([room, there]) =>
    there.has(room)
      ? [
          [...there]
            .filter((other) => reached.get(other)?.has(room))
            .sort()
            .join(' ↔ '),
        ]
      : [],
  )
  return [...new Set(circles)].sort()
}

function reachedFrom(start: string, next: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const seen = new Set<string>()
  const waiting = [...(next.get(start) ?? [])]
  for (let room = waiting.pop(); room; room = waiting.pop()) {
    if (seen.has(room)) continue
    seen.add(room)
    waiting.push(...(next.get(room) ?? []))
  }
  return seen
}

function inWords({ from, to, typesOnly }: Import): string {
  return `${from} → ${to}${typesOnly ? ' (types)' : ''}`
}
