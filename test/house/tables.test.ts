import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * Which rooms say the name of which table in their SQL. These lists only get shorter: a room that
 * needs what another one keeps asks it, or is told by it.
 */
const ROOMS: Readonly<Record<string, { readonly write: string; readonly read: string }>> = {
  access_flow_versions: { write: 'access', read: 'access approvals identity integrations notifications' },
  access_flows: { write: 'access', read: 'access approvals integrations notifications' },
  access_request_resources: { write: 'approvals', read: 'access approvals grants notifications' },
  access_requests: { write: 'approvals', read: 'access approvals notifications' },
  action_locks: { write: 'actions', read: 'actions' },
  action_runs: { write: 'actions', read: 'actions' },
  action_steps: { write: 'actions', read: 'actions' },
  api_tokens: { write: 'identity', read: 'identity notifications' },
  approvals: { write: 'approvals', read: 'approvals' },
  audit_chain: { write: '', read: 'audit notifications' },
  audit_events: { write: 'audit', read: 'audit grants identity integrations notifications' },
  audit_head: { write: '', read: 'audit notifications' },
  bundle_resources: { write: 'access', read: 'access' },
  bundles: { write: 'access', read: 'access' },
  certificate_sources: { write: 'distribution', read: 'distribution' },
  certificates: { write: 'distribution', read: 'distribution' },
  discovery_runs: { write: 'integrations', read: 'integrations' },
  distribution_parts: { write: 'distribution', read: 'distribution' },
  distribution_targets: { write: 'distribution', read: 'distribution' },
  distributions: { write: 'distribution', read: 'distribution' },
  due_work: { write: 'changes distribution grants platform rotation', read: 'grants notifications platform' },
  emergency_reviews: { write: 'approvals', read: 'approvals notifications' },
  ended_sessions: { write: 'identity', read: 'identity' },
  enrolment_codes: { write: 'identity', read: 'identity notifications' },
  foreign_pieces: { write: 'grants', read: '' },
  grants: { write: 'grants', read: 'access grants notifications' },
  group_members: { write: 'identity', read: 'identity' },
  groups: { write: 'identity', read: 'access identity integrations' },
  http_sessions: { write: 'identity', read: 'identity' },
  identities: { write: 'identity', read: 'identity' },
  installation: { write: 'platform', read: 'platform' },
  integration_secrets: { write: 'integrations', read: 'integrations' },
  integrations: { write: 'grants integrations', read: 'access approvals grants identity integrations notifications runs' },
  logout_tokens: { write: 'identity', read: '' },
  notification_cursor: { write: 'notifications', read: 'notifications' },
  notification_deliveries: { write: 'notifications', read: 'notifications' },
  openings: { write: 'grants', read: 'grants' },
  order_keys: { write: 'changes', read: 'changes' },
  ordered_runs: { write: 'runs', read: 'notifications runs' },
  person_marks: { write: '', read: 'identity' },
  proposals: { write: 'changes', read: 'changes notifications' },
  resources: { write: 'integrations', read: 'access approvals grants integrations notifications' },
  role_groups: { write: 'identity', read: 'identity' },
  rotation_turns: { write: 'rotation', read: 'rotation' },
  rotations: { write: 'rotation', read: 'rotation' },
  scim_tokens: { write: 'identity', read: 'identity' },
  target_credentials: { write: 'distribution', read: 'distribution' },
  users: {
    write: 'identity',
    read: 'access approvals changes distribution grants identity integrations notifications rotation runs',
  },
  webhooks: { write: 'notifications', read: 'notifications' },
}

// The chain, its head and the marks of people are written by triggers.
const root = path.resolve(import.meta.dirname, '../..')
const files = globSync('src/**/*.ts', { cwd: root }).sort()
const code = new Map(files.map((file) => [file, withoutComments(readFileSync(path.join(root, file), 'utf8'))]))

describe('the tables of the database', () => {
  it.each(Object.keys(ROOMS))('%s is written and read by these rooms and no other', (table) => {
    expect({ write: roomsThat(WRITE, table), read: roomsThat(READ, table) }).toEqual(ROOMS[table])
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
    const movers = (table: string) => {
      const moves = STATE_MOVES(table)
      return files.filter((file) => moves.some((move) => move.test(code.get(file)!)))
    }
    expect(movers('access_requests')).toEqual(['src/approvals/requests/transition.ts'])
    expect(movers('grants')).toEqual(['src/grants/transition.ts'])
    expect(movers('action_runs')).toEqual(['src/actions/transition.ts'])
    expect(movers('proposals')).toEqual(['src/changes/proposal-endings.ts'])
    expect(movers('rotation_turns')).toEqual(['src/rotation/turn.ts'])
  })
})

function roomsThat(how: (table: string) => RegExp, table: string, texts: ReadonlyMap<string, string> = code): string {
  const found = [...texts].filter(([, text]) => how(table).test(text)).map(([file]) => file.split('/')[1]!)
  return [...new Set(found)].sort().join(' ')
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

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1')
}
