import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERRORS } from '../../src/sdk/errors.ts'
import { circlesAmong } from '../support/circles.ts'
import { root } from '../support/house.ts'
import { ANYBODY_SAYS, BOTH_SAY, CLOCKS, MAY_IMPORT, mayImport, NAMES_TARGETS } from '../support/rooms.ts'
import { ANY_LENGTH, linesIn, tooLong } from '../support/sizes.ts'
import { isNeeded, isSaid, isShared, REMEDY, targetWords } from '../support/target-words.ts'
import * as walls from '../support/walls.ts'
import { house, inWords, isOurs } from '../support/whole-house.ts'

const LONGEST_MEDIAN = 90

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

const { files, code, imports, among } = house

describe('the house', () => {
  it('has all its files read, and every import of ours leads to one of them', () => {
    expect(files.length).toBeGreaterThan(150)
    expect(imports.length).toBeGreaterThan(700)
    expect(walls.nowhere(house)).toEqual([])
  })

  it('calls the access request’s own id requestId in these answers alone, as ARCHITECTURE.md says', () => {
    const saying = files.filter((file) => file.startsWith('src/contract/') && /\brequestId: id\('req'\)/.test(code.get(file)!))
    expect(saying).toEqual(['src/contract/grants.ts', 'src/contract/reviews.ts'])
  })

  it('names what it imports where one can read it', () => {
    expect(walls.unreadable(house)).toEqual(['src/platform/postgres/postgres-binaries.ts']) // the package of this machine’s kind
  })

  it('imports downwards only', () => {
    expect(walls.upwards(house)).toEqual([])
  })

  it('allows no import that nobody takes', () => {
    expect(walls.untaken(house)).toEqual([])
    expect(walls.unused(house)).toEqual([])
  })

  it('has no circle in the table of what may import what', () => {
    const parts = [...Object.keys(MAY_IMPORT), ...house.plugins.map((name) => `plugins/${name}`), ...house.clients]
    const arrows = parts.flatMap((from) =>
      mayImport(from, house.clients)
        .split(/[ :]+/)
        .filter((to) => to !== '')
        .map((to) => ({ from: `${from}/x`, to: `${to}/x`, typesOnly: false })),
    )
    expect(arrows.length).toBeGreaterThan(90)
    expect(circlesAmong(arrows)).toEqual([])
  })

  it('is drawn in ARCHITECTURE.md as the table has it', () => {
    const drawn = /`(access[^`]*→[^`]*)`/.exec(readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8'))![1]!
    const storeys = drawn.split('→').map((rooms) => rooms.split(',').map((room) => `src/${room.trim()}`))
    const aside = ['src/api-client', 'src/cli'] // programs that call the daemon
    const rooms = Object.keys(MAY_IMPORT).filter((part) => /^src\/[\w-]+$/.test(part) && !aside.includes(part))
    expect(storeys.flat().toSorted()).toEqual(rooms.toSorted())
    const storeyOf = (room: string) => storeys.findIndex((those) => those.includes(room))
    const wrong = rooms.flatMap((from) =>
      rooms
        .filter((to) => mayImport(from, house.clients).split(/[ :]+/).includes(to) && storeyOf(to) <= storeyOf(from))
        .map((to) => `${from} → ${to}`),
    )
    expect(wrong).toEqual([])
  })

  it('gives sdk, contract, plugins and the laptop’s tools only the modules they may use', () => {
    expect(walls.foreign(house)).toEqual([])
  })

  it('asks the database in SQL alone: TypeORM connects, keeps transactions and runs migrations', () => {
    const users = imports.filter(({ from, to }) => to === 'typeorm' && !from.startsWith('migrations/')).map(({ from }) => from)
    expect(users).toEqual([
      'src/cli/with-database.ts',
      'src/platform/platform.module.ts',
      'src/platform/postgres/database.ts',
      'src/platform/postgres/migrate.ts',
    ])
    expect(walls.entities(house)).toEqual([])
  })

  it('meets plugins in one file, which has them all', () => {
    expect(house.plugins).toContain('vault')
    expect(walls.meetings(house)).toEqual([])
  })

  it('shows a plugin one file of ours and one of its client, and no plugin another', () => {
    expect(walls.pastTheDoor(house)).toEqual([])
  })

  it('reads the errors of a target’s client in one file of each plugin, where they become the broker’s', () => {
    expect(walls.errorReaders(house)).toEqual([])
    const opening = files.filter((file) => file.startsWith('plugins/vault/') && /\bopenVault\b/.test(code.get(file)!))
    expect(opening).toEqual(['plugins/vault/connection.ts'])
  })

  it('reads the mounts of a Vault in one file', () => {
    const readers = files.filter((file) => /path: \['sys\/(internal\/ui\/mounts|mounts|auth)'\]/.test(code.get(file)!))
    expect(readers.filter((file) => isOurs(file))).toEqual(['plugins/vault/mounts.ts'])
  })

  it('has no circle among files that run', () => {
    expect(walls.circles(house)).toEqual([])
  })

  it('has no circle among folders and files that lie beside each other, however deep', () => {
    expect(walls.folderCircles(house)).toEqual([])
  })

  it('has no circle of a folder and what lies in it: its own files tie its folders together, or these build on them', () => {
    expect(walls.betweenFolders(house)).toEqual([])
  })

  it('has files that one can read in one go: code, styles, scripts, settings, tests and documents', () => {
    const lines = linesIn(root)
    for (const one of ['portal/src/portal.css', 'scripts/build.mjs', 'bin/latchkey.mjs', '.ci/run', 'README.md', 'Dockerfile'])
      expect(lines.get(one)).toBeGreaterThan(5)
    expect([...lines.keys()].filter((file) => file.startsWith('test/')).length).toBeGreaterThan(300)
    expect([...house.files].filter((file) => !lines.has(file))).toEqual([])
    expect(tooLong({ lines })).toEqual([])
    expect(Object.keys(ANY_LENGTH).filter((file) => !lines.has(file))).toEqual([])
  })

  it('has files of which half are short', () => {
    const counts = [...house.lines.values()]
    counts.sort((a, b) => a - b)
    expect(counts[Math.floor(counts.length / 2)]).toBeLessThanOrEqual(LONGEST_MEDIAN)
  })

  it('says no word of a target in the core or in the portal, not even in a comment, but those with a reason', () => {
    expect(targetWords(house), REMEDY).toEqual([])
    expect(NAMES_TARGETS.filter((one) => !isSaid(house, one)).map(({ place }) => place)).toEqual([])
    const shared = BOTH_SAY.flatMap(({ words }) => words.split(' '))
    expect(shared.filter((word) => !isShared(house, word))).toEqual([])
    const common = ANYBODY_SAYS.flatMap(({ words }) => words.split(' '))
    expect(common.filter((word) => !isNeeded(house, word))).toEqual([])
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
    expect(walls.clockReaders(house)).toEqual(Object.keys(CLOCKS).sort())
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
    expect(walls.decorated(house)).toEqual([])
  })

  // A new line here is a new place where a secret is in the clear: look at where it goes from there. A plugin has one without a line.
  it('reveals secrets in these places and no other', () => {
    expect(Object.fromEntries(walls.revealing(house))).toMatchInlineSnapshot(`
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
        "src/distribution/certificates/certificate.ts": 2,
        "src/distribution/certificates/pkcs12.ts": 1,
        "src/distribution/fan-out/fitting.ts": 1,
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
