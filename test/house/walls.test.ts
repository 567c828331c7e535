import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { MAY_IMPORT, MAY_USE } from '../support/rooms.ts'
import { LONGEST_FILE, tooLong } from '../support/sizes.ts'
import { targetWords } from '../support/target-words.ts'
import * as walls from '../support/walls.ts'
import { type House, house, houseOf, texts } from '../support/whole-house.ts'

/** What each wall is for: a file that breaks it, and nothing else, is put into the house. */
const PLANTED: readonly {
  wall: (house: House) => readonly unknown[]
  file: string
  text: string
  others?: Record<string, string>
  /** where it does not name the file */
  said?: string
}[] = [
  { wall: walls.upwards, file: 'src/audit/planted.ts', text: `import { Revocation } from '../grants/ending/revocation.ts'` },
  { wall: walls.upwards, file: 'src/contract/planted.ts', text: `export type { Config } from '../config/config.ts'` },
  { wall: walls.upwards, file: 'src/platform/planted.ts', text: `const late = await import('../identity/identity.module.ts')` },
  { wall: walls.upwards, file: 'portal/src/planted.tsx', text: `import { Grants } from '../../src/grants/grants.service.ts'` },
  { wall: walls.upwards, file: 'vault/planted.ts', text: `import { BrokerError } from '../src/sdk/index.ts'` },
  { wall: walls.upwards, file: 'src/platform/planted.ts', text: 'const late = await import(`../identity/identity.module.ts`)' },
  { wall: walls.upwards, file: 'src/audit/planted.ts', text: `  import { Revocation } from "../grants/ending/revocation.ts"` },
  {
    wall: walls.upwards,
    file: 'src/audit/planted.ts',
    text: `const a = 1; import { Revocation } from '../grants/ending/revocation.ts'`,
  },
  { wall: walls.upwards, file: 'src/audit/planted.mts', text: `export * from '../grants/ending/revocation.ts'` },
  {
    wall: walls.upwards,
    file: 'src/audit/planted.ts',
    text: `const a = '/*'\nimport { Revocation } from '../grants/ending/revocation.ts'\nconst b = '*/'`,
  },
  { wall: walls.unreadable, file: 'src/platform/planted.ts', text: 'const late = await import(place)' },
  { wall: walls.unreadable, file: 'src/platform/planted.ts', text: `const require = createRequire(import.meta.url)` },
  ...['#grants', '#grants.ts', '../grants/gone.ts', '/grants/revocation.ts'].map((to) => ({
    wall: walls.nowhere,
    file: 'src/audit/planted.ts',
    text: `import { Revocation } from '${to}'`,
  })),
  { wall: walls.foreign, file: 'plugins/vault/planted.ts', text: `import pg from 'pg'` },
  { wall: walls.foreign, file: 'src/grants/planted.ts', text: `import { DataSource } from 'typeorm'` },
  { wall: walls.foreign, file: 'portal/src/planted.tsx', text: `import axios from 'axios'` },
  { wall: walls.foreign, file: 'src/sdk/planted.ts', text: `import { readFileSync } from 'node:fs'` },
  { wall: walls.entities, file: 'src/identity/planted.ts', text: `const one = tx.getRepository(User)` },
  {
    wall: walls.circles,
    file: 'src/audit/planted.ts',
    text: `import { b } from './planted-too.ts'`,
    others: { 'src/audit/planted-too.ts': `import { a } from './planted.ts'` },
  },
  {
    wall: walls.circles,
    file: 'src/audit/planted.ts',
    text: `import type { B } from './planted-too.ts'`,
    others: { 'src/audit/planted-too.ts': `import type { A } from './planted.ts'` },
  },
  {
    wall: walls.circles,
    file: 'vault/planted.ts',
    text: `import type { B } from './planted-too.ts'`,
    others: { 'vault/planted-too.ts': `export interface B { readonly a: import('./planted.ts').A }` },
  },
  ...[
    ['src/grants/ending', 'src/grants/opening'],
    ['src/grants/ending/planted', 'src/grants/ending/deeper'],
    ['src/grants/ending/planted/a', 'src/grants/ending/planted/b'],
    ['plugins/vault/actions/planted', 'plugins/vault/actions/deeper'],
    ['portal/src/pages/audit', 'portal/src/pages/runs'],
    ['portal/src/pages/audit/planted/a', 'portal/src/pages/audit/planted/b'],
    ['dev/demo', 'dev/vault'],
  ].flatMap(([a = '', b = '']) => {
    const from = (one: string, other: string, file: string) => `${path.posix.relative(one, other)}/${file}.ts`
    return [
      {
        wall: walls.folderCircles,
        file: `${a}/planted.ts`,
        text: `import { b } from '${from(a, b, 'planted')}'`,
        others: {
          [`${b}/planted.ts`]: 'export const b = 1',
          [`${b}/planted-too.ts`]: `import { c } from '${from(b, a, 'planted-too')}'`,
          [`${a}/planted-too.ts`]: 'export const c = 1',
        },
        said: a,
      },
      {
        wall: walls.folderCircles,
        file: `${a}/planted.ts`,
        text: `import type { B } from '${from(a, b, 'planted')}'`,
        others: {
          [`${b}/planted.ts`]: `export type { C } from '${from(b, a, 'planted-too')}'`,
          [`${a}/planted-too.ts`]: '',
        },
        said: a,
      },
    ]
  }),
  ...['src/grants', 'src/grants/ending', 'plugins/vault', 'portal/src/pages/audit', 'vault'].flatMap((folder) => [
    {
      wall: walls.betweenFolders,
      file: `${folder}/planted.ts`,
      text: `import { a } from './planted-a/planted.ts'`,
      others: {
        [`${folder}/planted-a/planted.ts`]: 'export const a = 1',
        [`${folder}/planted-a/planted-too.ts`]: `import { b } from '../planted.ts'`,
      },
    },
    {
      wall: walls.betweenFolders,
      file: `${folder}/planted.ts`,
      text: `import { a } from './planted-too.ts'`,
      others: {
        [`${folder}/planted-too.ts`]: `import type { A } from './planted-a/deep/planted.ts'`,
        [`${folder}/planted-a/deep/planted.ts`]: 'export type A = 1',
        [`${folder}/planted-b/planted.ts`]: `import { b } from '../planted.ts'`,
      },
    },
  ]),
  { wall: tooLong, file: 'src/audit/planted.ts', text: 'const a = 1\n'.repeat(LONGEST_FILE + 1) },
  { wall: walls.entities, file: 'src/identity/planted.ts', text: `await tx.manager.save('users', one)` },
  ...[
    'mount',
    'the lease of it',
    'sys/policies/acl',
    'approle',
    'wrap_ttl',
    'wrapTtlSeconds',
    'bao',
    'a PKI role',
    'FROM_KV',
    'transit',
    'wrapAccessor',
    'unwrapped',
    'secretId',
    'role_id',
    'namespace',
    'target.sealed',
    'kv2',
    'kvV2',
    'kv-v2',
    'entity-alias',
    'entityAlias',
    'seal-status',
    'autounseal',
    'wrap_info',
    'wrapInfo',
    'wrapped_accessor',
    'auth/token/lookup-self',
    'POST /v1/auth/token/create',
    'http://127.0.0.1/v1/sys/health',
    'sys/init',
    'identity/entity/id',
    'lookup-self',
    'revokeSelf',
    'token_max_ttl',
    'secret_id_num_uses',
    'static-roles',
    'X-Vault-Token',
    'secrets engine',
    'performance standby',
    'max_ttl',
    'explicit_max_ttl',
    'maxTtl',
    'a batch token',
    'orphan token',
    'periodic token',
    'the server is sealed',
    'response wrapping',
    'hvs.CAESI',
    'creds/readonly',
    'deleted_versions_after',
    'identity entity',
  ].flatMap((word) => [
    { wall: targetWords, file: 'src/grants/planted.ts', text: `const a = '${word}'` },
    { wall: targetWords, file: 'portal/src/planted.tsx', text: `/** About ${word}. */` },
  ]),
  ...[
    'portal/planted.html',
    'portal/vite.config.ts',
    'portal/src/planted.css',
    'src/audit/planted.md',
    'portal/src/planted.svg',
  ].flatMap((file) =>
    ['wrap_info', 'openbao', 'sys/health'].map((word) => ({ wall: targetWords, file, text: `<!-- ${word} -->` })),
  ),
  { wall: targetWords, file: 'src/cli/commands/planted.ts', text: `const a = 'openbao'` },
  { wall: targetWords, file: 'src/catalog/planted.ts', text: `const a = 'kv'` },
  { wall: targetWords, file: 'src/access/planted.ts', text: `const mount = 'userpass'` },
  { wall: targetWords, file: 'src/grants/planted.ts', text: 'const vaultPolicy = 1' },
  ...[
    `const a = 'key-server-box'`,
    '/** What the key-server keeps. */',
    'const keyServerUrl = 1',
    'class KeyServerBox {}',
    'KEY_SERVER_URL',
  ].map((text) => ({
    wall: targetWords,
    file: 'src/grants/planted.ts',
    text,
    others: { 'plugins/key-server/index.ts': 'export const keyServer = 1' },
  })),
  // A name that only the target has excuses itself nowhere, not in the contract either.
  ...['deskQueueRota', 'rotaPlan', 'queueId'].map((word) => ({
    wall: targetWords,
    file: 'src/contract/planted.ts',
    text: `const planted = z.object({ ${word}: z.string() })`,
    others: { 'plugins/desk/index.ts': 'interface Answer { desk_queue_rota: 1; rota_plan: 1; queue_id: 1 }' },
  })),
  {
    wall: walls.unreadable,
    file: 'src/audit/planted.cts',
    text: `const { Revocation } = require('../grants/ending/revocation.ts')`,
  },
  { wall: walls.meetings, file: 'src/grants/planted.ts', text: `import { vault } from '../../plugins/vault/index.ts'` },
  { wall: walls.pastTheDoor, file: 'plugins/vault/planted.ts', text: `import { turns } from '../../vault/turns.ts'` },
  { wall: walls.pastTheDoor, file: 'plugins/vault/planted.ts', text: `import { storable } from '../../src/sdk/errors.ts'` },
  { wall: walls.errorReaders, file: 'plugins/vault/planted.ts', text: 'const isTheirs = isVaultError(error)' },
  { wall: walls.decorated, file: 'plugins/vault/planted.ts', text: '@Injectable()' },
  { wall: walls.revealing, file: 'src/grants/planted.ts', text: 'const clear = password.reveal()' },
  { wall: walls.clockReaders, file: 'src/grants/planted.ts', text: 'const isOver = until < Date.now()' },
]

describe('a wall', () => {
  it.each(PLANTED)('$wall.name notices $text in $file', ({ wall, file, text, others = {}, said: name = file }) => {
    const before = wall(house)
    const after = wall(houseOf(new Map([...texts, [file, text], ...Object.entries(others)])))
    const said = after
      .map(String)
      .filter((one) => !before.map(String).includes(one))
      .join('\n')
    expect(said).toContain(name)
  })
})

describe('a table of the walls', () => {
  it.each([
    ['src/notifications', '', 'src/access', 'src/notifications → src/access'],
    ['src/catalog', '', 'src/cli', 'src/catalog → src/cli'],
    ['src/cli', '', ': src/catalog', 'src/cli → src/catalog (types)'],
    // More than a type is allowed, and nobody takes more.
    ['src/approvals', ': src/config', 'src/config', 'src/approvals → src/config'],
    ['src/gone', '', 'src/sdk', 'src/gone → src/sdk'],
  ])('allows no import that nobody takes: of %s', (part, without, wider, said) => {
    const table = { ...MAY_IMPORT, [part]: `${(MAY_IMPORT[part] ?? '').replace(without, '')} ${wider}` }
    expect(walls.untaken(house, table)).toEqual([said])
  })

  it.each([
    ['src/rotation', 'pg', 'src/rotation → pg'],
    ['src/config', 'node-forge', 'src/config → node-forge'],
    ['portal', 'zod', 'portal → zod'],
    ['src/gone', 'zod', 'src/gone → zod'],
  ])('allows no module that nobody uses: of %s', (part, module, said) => {
    expect(walls.unused(house, { ...MAY_USE, [part]: `${MAY_USE[part] ?? ''} ${module}` })).toEqual([said])
  })
})
