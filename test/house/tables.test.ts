import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { partOf, readCode, root, withoutComments } from '../support/house.ts'

/**
 * Which rooms say the name of which table in their SQL; of a room that writes, which folder does. These lists only get shorter: a room that
 * needs what another one keeps asks it, or is told by it.
 */
const ROOMS: Readonly<Record<string, { readonly write: string; readonly read: string }>> = {
  access_flow_versions: { write: 'access/flows', read: 'access approvals identity integrations notifications' },
  access_flows: { write: 'access/flows', read: 'access approvals integrations notifications' },
  access_request_resources: { write: 'approvals/requests', read: 'access approvals grants notifications' },
  access_requests: { write: 'approvals/decisions approvals/requests', read: 'access approvals notifications' },
  action_locks: { write: 'actions', read: 'actions' },
  action_runs: { write: 'actions', read: 'actions' },
  action_steps: { write: 'actions', read: 'actions' },
  api_tokens: { write: 'identity/guard identity/tokens', read: 'identity notifications' },
  approvals: { write: 'approvals/decisions approvals/requests', read: 'approvals' },
  audit_chain: { write: '', read: 'audit notifications' },
  audit_events: { write: 'audit', read: 'audit grants identity integrations notifications' },
  audit_head: { write: '', read: 'audit notifications' },
  bundle_resources: { write: 'access/bundles', read: 'access' },
  bundles: { write: 'access/bundles', read: 'access' },
  certificate_sources: { write: 'distribution/sources', read: 'distribution' },
  certificates: { write: 'distribution/certificates distribution/sources', read: 'distribution' },
  discovery_runs: { write: 'integrations/discovery', read: 'integrations' },
  distribution_parts: { write: 'distribution/fan-out', read: 'distribution' },
  distribution_targets: { write: 'distribution/targets', read: 'distribution' },
  distributions: { write: 'distribution/fan-out', read: 'distribution' },
  due_work: { write: 'grants platform/due rotation', read: 'grants notifications platform' },
  emergency_reviews: { write: 'approvals/requests approvals/reviews', read: 'approvals notifications' },
  ended_sessions: { write: 'identity/sign-in', read: 'identity' },
  enrolment_codes: { write: 'identity identity/tokens', read: 'identity notifications' },
  foreign_pieces: { write: 'grants/sweep', read: '' },
  grants: {
    write: 'grants grants/ending grants/extension grants/provisioning grants/sweep',
    read: 'access grants notifications',
  },
  group_members: { write: 'identity/groups identity/scim identity/sign-in', read: 'identity' },
  groups: { write: 'identity/groups identity/scim identity/sign-in', read: 'access identity integrations' },
  http_sessions: { write: 'identity/guard identity/scim identity/sessions identity/sign-in', read: 'identity' },
  identities: { write: 'identity/refusals identity/scim identity/sign-in', read: 'identity' },
  installation: { write: 'platform/installation', read: 'platform' },
  integration_secrets: { write: 'integrations integrations/secrets', read: 'integrations' },
  integrations: {
    write: 'grants/sweep integrations integrations/health integrations/ownership integrations/secrets',
    read: 'access approvals grants identity integrations notifications runs',
  },
  logout_tokens: { write: 'identity/sign-in', read: '' },
  notification_cursor: { write: 'notifications', read: 'notifications' },
  notification_deliveries: { write: 'notifications', read: 'notifications' },
  openings: { write: 'grants grants/opening', read: 'grants' },
  order_keys: { write: 'changes', read: 'changes' },
  ordered_runs: { write: 'runs', read: 'notifications runs' },
  person_marks: { write: '', read: 'identity' },
  proposals: { write: 'changes', read: 'changes notifications' },
  resources: { write: 'integrations/discovery', read: 'access approvals grants integrations notifications' },
  role_groups: { write: 'identity/groups', read: 'identity' },
  rotation_turns: { write: 'rotation', read: 'rotation' },
  rotations: { write: 'rotation', read: 'rotation' },
  scim_tokens: { write: 'identity/directory identity/scim', read: 'identity' },
  target_credentials: { write: 'distribution/targets', read: 'distribution' },
  users: {
    write: 'identity/people identity/scim identity/sign-in',
    read: 'access approvals changes distribution grants identity integrations notifications rotation runs',
  },
  webhooks: { write: 'notifications', read: 'notifications' },
}

// The chain, its head and the marks of people are written by triggers.
const files = globSync('src/**/*.ts', { cwd: root }).sort()
const code = new Map(files.map((file) => [file, withoutComments(file, readFileSync(path.join(root, file), 'utf8'))]))

describe('the tables of the database', () => {
  it.each(Object.keys(ROOMS))('%s is written and read by these rooms and no other', (table) => {
    expect({ write: placesThat(WRITE, table, folderOf), read: roomsThat(READ, table) }).toEqual(ROOMS[table])
  })

  it('have a row here, each of them', () => {
    const schema = readFileSync(path.join(root, 'migrations/schema.sql'), 'utf8')
    const tables = [...schema.matchAll(/^create table (\w+)/gm)].map(([, table]) => table)
    expect(tables.length).toBeGreaterThan(35)
    expect(Object.keys(ROOMS)).toEqual(tables)
  })

  it('are noticed wherever another room writes or reads one', () => {
    const planted = new Map([
      ...code,
      ['src/catalog/planted.ts', 'await rows(tx, `update  grants set state = $1`)'],
      ['src/sdk/planted.ts', 'select 1 from approvals a join\n openings o on true'],
    ])
    expect(roomsThat(WRITE, 'grants', planted)).toBe('catalog grants')
    expect(roomsThat(READ, 'openings', planted)).toBe('grants sdk')
    expect(roomsThat(READ, 'approvals', planted)).toBe('approvals sdk')
  })

  it('are noticed however SQL is written', () => {
    for (const sql of ['UPDATE grants SET a = 1', 'update only grants', 'update public.grants', 'merge into "grants"'])
      expect(WRITE('grants').test(sql), sql).toBe(true)
    for (const sql of ['FROM grants', 'from only grants', 'join public."grants"'])
      expect(READ('grants').test(sql), sql).toBe(true)
    for (const sql of [
      "update grants as g set state = 'x'",
      'update grants set (state, a) = (1, 2)',
      'update grants set a = (select b from c), state = $1 where id = $2',
      'insert into grants (id) values (1) on conflict (id) do update set a = 1, state = excluded.state',
    ])
      expect(
        STATE_MOVES('grants').some((move) => move.test(sql)),
        sql,
      ).toBe(true)
  })

  it('are told apart from what only looks like them', () => {
    const sql =
      'delete from grants g using x; select 1 from grants_seen join grants as h; update grants set a = 1 for update of grants'
    expect([...sql.matchAll(WRITE('grants'))].length).toBe(2)
    expect([...sql.matchAll(READ('grants'))].length).toBe(1)
  })

  it('of runs and steps are written by the journal, and the state of a run in one place', () => {
    const writers = files.filter((file) => ['action_runs', 'action_steps'].some((table) => WRITE(table).test(code.get(file)!)))
    expect(writers).toEqual(['src/actions/journal.ts', 'src/actions/transition.ts'])
  })

  it('have a state that one place moves, by its machine', () => {
    const schema = readFileSync(path.join(root, 'migrations/schema.sql'), 'utf8')
    const withState = schema
      .split(/^create table /m)
      .filter((table) => /^ +state text/m.test(table.split(/^\);/m)[0]!))
      .map((table) => /^\w+/.exec(table)![0])
    const movers = (table: string) => {
      const moves = STATE_MOVES(table)
      return files.filter((file) => moves.some((move) => move.test(code.get(file)!))).join(' ')
    }
    expect(Object.fromEntries(withState.map((table) => [table, movers(table)]))).toEqual({
      access_requests: 'src/approvals/requests/transition.ts',
      action_runs: 'src/actions/transition.ts',
      action_steps: 'src/actions/journal.ts',
      discovery_runs: 'src/integrations/discovery/discovery-run.ts',
      grants: 'src/grants/transition.ts',
      integrations: 'src/integrations/transition.ts',
      // Sent, tried again by an admin, or dead with its webhook.
      notification_deliveries:
        'src/notifications/notification-list.ts src/notifications/sending.ts src/notifications/webhooks.service.ts',
      openings: 'src/grants/opening/transition.ts',
      proposals: 'src/changes/proposal-endings.ts',
      rotation_turns: 'src/rotation/turn.ts',
      // Active or disabled, as an admin says or as SCIM does.
      users:
        'src/identity/people/users.service.ts src/identity/scim/merge.ts src/identity/scim/scim-users.service.ts src/identity/scim/sign-in-links.ts',
    })
  })

  it('are read through what another room lends in these places and no other', () => {
    expect(lent()).toEqual([
      'src/approvals reads users through leftSince',
      'src/changes reads group_members, role_groups through rolesOf',
      'src/distribution reads action_runs, action_steps through RUN_FACTS',
      'src/distribution reads integrations through CONNECTION_HEALTH',
      'src/distribution reads ordered_runs through ORDERED_FACTS',
      'src/notifications reads identities through IS_NO_ADMIN_ANY_MORE',
      'src/runs reads action_runs, action_steps through RUN_FACTS',
    ])
    const planted = new Map([
      ...code,
      [
        'src/rotation/planted.ts',
        "import { ORDERED_FACTS } from '../runs/ordered-run.ts'\nconst a = `select 1 from ${ORDERED_FACTS} o`",
      ],
    ])
    expect(lent(planted)).toContain('src/rotation reads ordered_runs through ORDERED_FACTS')
  })

  it('are noticed in any folder of a room', () => {
    const planted = new Map([...code, ['src/grants/opening/planted.ts', 'update public.grants set a = 1']])
    expect(placesThat(WRITE, 'grants', folderOf, planted).split(' ')).toContain('grants/opening')
  })
})

function roomsThat(how: (table: string) => RegExp, table: string, texts: ReadonlyMap<string, string> = code): string {
  return placesThat(how, table, partOf, texts)
}

function placesThat(
  how: (table: string) => RegExp,
  table: string,
  placeOf: (file: string) => string,
  texts: ReadonlyMap<string, string> = code,
): string {
  const found = [...texts].filter(([, text]) => how(table).test(text)).map(([file]) => placeOf(file).replace(/^src\//, ''))
  return [...new Set(found)].sort().join(' ')
}

function folderOf(file: string): string {
  return file.split('/').slice(0, -1).slice(0, 3).join('/')
}

/** Pieces of SQL that a room lends to others: what they read through them is read as well. */
function lent(texts: ReadonlyMap<string, string> = code): string[] {
  const imports = [...texts].flatMap(([file, text]) => readCode(file, text).imports).filter(({ to }) => texts.has(to))
  const found = imports.flatMap(({ from, to }) =>
    partOf(from) === partOf(to) ? [] : sqlOf(to, texts).flatMap(([name, tables]) => uses(texts.get(from)!, name, from, tables)),
  )
  return [...new Set(found)].sort()
}

function uses(text: string, name: string, from: string, tables: readonly string[]): string[] {
  return new RegExp(`\\$\\{${name}\\b`).test(text) ? [`${partOf(from)} reads ${tables.join(', ')} through ${name}`] : []
}

/** What a file exports that is a piece of a statement and no statement: text that names tables, and sends nothing. */
function sqlOf(file: string, texts: ReadonlyMap<string, string>): [string, string[]][] {
  const pieces = texts
    .get(file)!
    .split(/^(?=export )/m)
    .slice(1)
  return pieces.flatMap((piece): [string, string[]][] => {
    const name = /^export (?:const|function) (\w+)/.exec(piece)?.[1]
    const tables = Object.keys(ROOMS).filter((table) => READ(table).test(piece))
    return name && tables.length > 0 && !/\b(rows?|query)(<[^(]*>)?\(/.test(piece) ? [[name, tables]] : []
  })
}

/** A state is set by an update or where an insert meets a row. */
function STATE_MOVES(table: string): readonly RegExp[] {
  const upToWhere = '(?:(?!\\bwhere\\b)[^`;])*?'
  const state = '\\bstate\\s*(?:=|,[^=]*\\)\\s*=)'
  return [
    new RegExp(`\\bupdate\\s+(only\\s+)?${named(table)}"?\\s+((as\\s+)?\\w+\\s+)?set\\b${upToWhere}${state}`, 'i'),
    new RegExp(`\\binsert\\s+into\\s+${named(table)}[^\`;]*?\\bdo\\s+update\\s+set\\b${upToWhere}${state}`, 'i'),
  ]
}

function WRITE(table: string): RegExp {
  return new RegExp(
    `\\b(insert\\s+into|merge\\s+into|update|delete\\s+from|truncate(\\s+table)?)\\s+(only\\s+)?${named(table)}`,
    'gi',
  )
}

function READ(table: string): RegExp {
  return new RegExp(`(?<!\\bdelete\\s+)\\b(from|join|using)\\s+(lateral\\s+|only\\s+)?${named(table)}`, 'gi')
}

/** However SQL writes it. */
function named(table: string): string {
  return `(public\\.)?"?${table}\\b`
}
