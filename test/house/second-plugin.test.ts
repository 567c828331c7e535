import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../support/house.ts'
import { LONGEST_FILE, tooLong } from '../support/sizes.ts'
import { targetWords } from '../support/target-words.ts'
import * as walls from '../support/walls.ts'
import { type House, house, houseOf, texts } from '../support/whole-house.ts'

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

  it.each(walls.AROUND_PLUGINS.map((wall) => ({ wall })))(
    'is within the wall $wall.name by one line in the catalog',
    ({ wall }) => {
      expect(second.plugins).toEqual([...house.plugins, 'badges'].sort())
      expect(wall(second)).toEqual(wall(house))
    },
  )

  it('is missed where the catalog does not have it', () => {
    expect(walls.meetings(houseOf(new Map([...laid, ['src/catalog/plugins.ts', catalog]])))).toEqual([
      'plugins/badges is not in the catalog',
    ])
  })

  const WRONG: readonly { wall: (house: House) => readonly unknown[]; text: string; others?: Record<string, string> }[] = [
    { wall: walls.upwards, text: `import { Grants } from '../../src/grants/grants.service.ts'` },
    { wall: walls.upwards, text: `import { openVault } from '../../vault/index.ts'` },
    { wall: walls.upwards, text: `import { vault } from '../vault/index.ts'` },
    { wall: walls.pastTheDoor, text: `import { storable } from '../../src/sdk/errors.ts'` },
    { wall: walls.unreadable, text: 'const late = await import(place)' },
    { wall: walls.foreign, text: `import pg from 'pg'` },
    { wall: walls.foreign, text: `import { Injectable } from '@nestjs/common'` },
    { wall: walls.errorReaders, text: 'const isTheirs = error instanceof BuildingError' },
    {
      wall: walls.circles,
      text: `import { badges } from './index.ts'`,
      others: { 'plugins/badges/index.ts': `export { planted } from './planted.ts'` },
    },
    { wall: tooLong, text: 'const a = 1\n'.repeat(LONGEST_FILE + 1) },
    { wall: walls.clockReaders, text: 'const isOver = until.getTime() < Date.now()' },
    { wall: walls.clockReaders, text: 'const isOver = until < new Date()' },
    { wall: walls.decorated, text: '@Injectable()' },
    {
      wall: walls.revealing,
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

  const FIELDS =
    'id created_at updated_at expires_at user_id group_id client_id client_secret access_token last_used_at resource_type is_active email_verified content_type'
  // Under an id of two words, which the catalog writes as one, with the client at the root, whose API has fields as others have them.
  const client = `export interface Answer { ${FIELDS.split(' ')
    .map((field) => `readonly ${field}: string`)
    .join('; ')} }\nexport const readAnswer = (answer: Answer) => answer.expires_at`
  const hyphenated = new Map([
    ...texts,
    ['ticket-desk/index.ts', client],
    [
      'plugins/ticket-desk/index.ts',
      `import { readAnswer } from '../../ticket-desk/index.ts'\nimport { Secret } from '../../src/sdk/index.ts'\nexport const ticketDesk = (token: string) => new Secret(readAnswer(token))`,
    ],
    [
      'src/catalog/plugins.ts',
      catalog
        .replace('\n', `\nimport { ticketDesk } from '../../plugins/ticket-desk/index.ts'\n`)
        .replace('[vault]', '[ticketDesk, vault]'),
    ],
  ])

  it.each(walls.AROUND_PLUGINS.map((wall) => ({ wall })))('may have an id of two words, and is within $wall.name', ({ wall }) => {
    const third = houseOf(hyphenated)
    expect([third.plugins, third.clients].map((those) => those.includes('ticket-desk'))).toEqual([true, true])
    expect(third.texts.get('src/catalog/plugins.ts')).toContain('[ticketDesk, vault]')
    expect(wall(third)).toEqual(wall(house))
  })

  it('is named in the catalog alone, however it is written', () => {
    for (const word of ['ticket-desk', 'ticketDesk', 'TicketDesk', 'TICKET_DESK']) {
      const named = new Map([...hyphenated, ['src/grants/planted.ts', `const a = '${word}'`]])
      expect(targetWords(houseOf(named))).toEqual([`src/grants/planted.ts: ${word}`])
    }
  })

  it.each([
    ['postgres', true],
    ['mail', true],
    ['postgresql-server', false],
  ])('may not have a word of the core for its id: %s', (id, isTaken) => {
    const named = houseOf(new Map([...texts, [`plugins/${id}/index.ts`, 'export const planted = 1']]))
    expect(targetWords(named).length > 0).toBe(isTaken)
    expect(targetWords(named).filter((one) => !/^(src|portal)\/.+: /.test(one))).toEqual([])
  })

  it('may have a client of its own at the root, which knows nothing of the broker', () => {
    const door = [['plugins/badges/planted.ts', `import { openDoor } from '../../badges/index.ts'`]] as const
    const client = (text: string) => houseOf(new Map([...laid, ...door, ['badges/index.ts', text]]))
    const good = client('export const openDoor = 1')
    for (const wall of walls.AROUND_PLUGINS) expect(wall(good)).toEqual(wall(house))
    expect(walls.upwards(client(`import { Secret } from '../src/sdk/index.ts'`))).toEqual(['badges/index.ts → src/sdk/index.ts'])
    expect(walls.foreign(client(`import { z } from 'zod'`))).toEqual(['badges/index.ts → zod'])
    expect(
      walls.pastTheDoor(
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
