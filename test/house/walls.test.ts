import { describe, expect, it } from 'vitest'
import {
  circles,
  clockReaders,
  decorated,
  entities,
  errorReaders,
  foreign,
  LONGEST_FILE,
  meetings,
  pastTheDoor,
  revealing,
  subroomCircles,
  targetWords,
  tooLong,
  unreadable,
  upwards,
} from '../support/walls.ts'
import { type House, house, houseOf, texts } from '../support/whole-house.ts'

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
