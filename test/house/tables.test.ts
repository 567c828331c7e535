import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { partOf, root } from '../support/house.ts'
import { type Looks, movesStateOf, readsFrom, writesTo } from '../support/sql-tables.ts'
import { house, isOurs } from '../support/whole-house.ts'

/**
 * Which rooms say the name of which table in their SQL; of a room that writes, which folder does. These lists only get shorter: a room that
 * needs what another one keeps asks it, or is told by it.
 */
const ROOMS: Readonly<Record<string, { readonly write: string; readonly read: string }>> = {
  access_flow_versions: { write: 'access/flows', read: 'access approvals identity integrations notifications' },
  access_flows: { write: 'access/flows', read: 'access approvals integrations notifications' },
  access_request_resources: { write: 'approvals/requests', read: 'approvals grants notifications' },
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
  enrolment_codes: { write: 'identity/sessions identity/tokens', read: 'identity notifications' },
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
const files = house.files.filter((file) => isOurs(file) && !file.startsWith('portal/'))
const code: ReadonlyMap<string, string> = new Map(files.map((file) => [file, house.code.get(file)!]))

describe('the tables of the database', () => {
  it.each(Object.keys(ROOMS))('%s is written and read by these rooms and no other', (table) => {
    expect({ write: placesThat(writesTo, table, folderOf), read: roomsThat(readsFrom, table) }).toEqual(ROOMS[table])
  })

  it('have a row here, each of them', () => {
    const schema = readFileSync(path.join(root, 'migrations/schema.sql'), 'utf8')
    const tables = [...schema.matchAll(/^create table (\w+)/gm)].map(([, table]) => table)
    expect(tables.length).toBeGreaterThan(35)
    expect(Object.keys(ROOMS)).toEqual(tables)
  })

  it('are no views, behind which a room would read a table that it does not name', () => {
    const schema = readFileSync(path.join(root, 'migrations/schema.sql'), 'utf8')
    expect([...schema.matchAll(/^create (?:materialized )?view (\w+)/gm)].map(([, view]) => view)).toEqual([])
  })

  it('are noticed wherever another room writes or reads one', () => {
    const planted = new Map([
      ...code,
      ['src/catalog/planted.ts', 'await rows(tx, `update  grants set state = $1`)'],
      ['src/sdk/planted.ts', 'select 1 from approvals a join\n openings o on true'],
    ])
    expect(roomsThat(writesTo, 'grants', planted)).toBe('catalog grants')
    expect(roomsThat(readsFrom, 'openings', planted)).toBe('grants sdk')
    expect(roomsThat(readsFrom, 'approvals', planted)).toBe('approvals sdk')
  })

  it('are noticed in a plugin and in its client', () => {
    const planted = new Map([
      ...code,
      ['plugins/vault/planted.ts', 'await rows(tx, `update grants set state = $1 from users, openings`)'],
      ['vault/planted.ts', 'delete from grants'],
    ])
    expect(roomsThat(writesTo, 'grants', planted)).toBe('grants plugins/vault vault')
    expect(roomsThat(readsFrom, 'openings', planted)).toBe('grants plugins/vault')
    expect(moversOf('grants', planted)).toBe('plugins/vault/planted.ts src/grants/transition.ts')
  })

  it('of runs and steps are written by the journal, and the state of a run in one place', () => {
    const writers = files.filter((file) => ['action_runs', 'action_steps'].some((table) => writesTo(table, code.get(file)!)))
    expect(writers).toEqual(['src/actions/journal.ts', 'src/actions/transition.ts'])
  })

  it('have a state that one place moves, by its machine', () => {
    const schema = readFileSync(path.join(root, 'migrations/schema.sql'), 'utf8')
    const withState = schema
      .split(/^create table /m)
      .filter((table) => /^ +state text/m.test(table.split(/^\);/m)[0]!))
      .map((table) => /^\w+/.exec(table)![0])
    expect(Object.fromEntries(withState.map((table) => [table, moversOf(table)]))).toEqual({
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

  it('are noticed in any folder of a room', () => {
    const planted = new Map([...code, ['src/grants/opening/planted.ts', 'update public.grants set a = 1']])
    expect(placesThat(writesTo, 'grants', folderOf, planted).split(' ')).toContain('grants/opening')
  })
})

function roomsThat(looks: Looks, table: string, texts: ReadonlyMap<string, string> = code): string {
  return placesThat(looks, table, partOf, texts)
}

function placesThat(
  looks: Looks,
  table: string,
  placeOf: (file: string) => string,
  texts: ReadonlyMap<string, string> = code,
): string {
  const found = [...texts].filter(([, text]) => looks(table, text)).map(([file]) => placeOf(file).replace(/^src\//, ''))
  return [...new Set(found)].sort().join(' ')
}

function moversOf(table: string, texts: ReadonlyMap<string, string> = code): string {
  const found = [...texts].filter(([, text]) => movesStateOf(table, text)).map(([file]) => file)
  return found.toSorted().join(' ')
}

function folderOf(file: string): string {
  return file.split('/').slice(0, -1).slice(0, 3).join('/')
}
