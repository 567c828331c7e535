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
  approvals: { write: 'approvals', read: 'approvals' },
  audit_events: { write: 'audit', read: 'audit grants identity integrations notifications' },
  due_work: { write: 'changes grants platform rotation', read: 'grants notifications platform' },
  emergency_reviews: { write: 'approvals', read: 'approvals notifications' },
  grants: { write: 'grants', read: 'access grants notifications' },
  groups: { write: 'identity', read: 'access identity integrations' },
  integrations: { write: 'grants integrations', read: 'access approvals grants identity integrations notifications runs' },
  openings: { write: 'grants', read: 'grants' },
  ordered_runs: { write: 'runs', read: 'notifications runs' },
  rotation_turns: { write: 'rotation', read: 'rotation' },
  rotations: { write: 'rotation', read: 'rotation' },
  proposals: { write: 'changes', read: 'changes notifications' },
  resources: { write: 'integrations', read: 'access approvals grants integrations notifications' },
  users: { write: 'identity', read: 'access approvals changes grants identity integrations notifications rotation runs' },
}

const root = path.resolve(import.meta.dirname, '../..')
const files = globSync('src/**/*.ts', { cwd: root }).sort()
const code = new Map(files.map((file) => [file, withoutComments(readFileSync(path.join(root, file), 'utf8'))]))

describe('the tables of the database', () => {
  it.each(Object.keys(ROOMS))('%s is written and read by these rooms and no other', (table) => {
    expect({ write: roomsThat(WRITE, table), read: roomsThat(READ, table) }).toEqual(ROOMS[table])
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
      const sets = new RegExp(`\\bupdate\\s+${table}\\s+(\\w+\\s+)?set\\b((?!\\b(where|from)\\b)[\\s\\S])*?\\bstate\\s*=`)
      return files.filter((file) => sets.test(code.get(file)!))
    }
    expect(movers('access_requests')).toEqual(['src/approvals/requests/transition.ts'])
    expect(movers('grants')).toEqual(['src/grants/transition.ts'])
    expect(movers('action_runs')).toEqual(['src/actions/transition.ts'])
  })
})

function roomsThat(how: (table: string) => RegExp, table: string): string {
  const found = files.filter((file) => how(table).test(code.get(file)!)).map((file) => file.split('/')[1]!)
  return [...new Set(found)].join(' ')
}

function WRITE(table: string): RegExp {
  return new RegExp(`\\b(insert\\s+into|update|delete\\s+from|truncate)\\s+(only\\s+)?${table}\\b`, 'g')
}

function READ(table: string): RegExp {
  return new RegExp(`(?<!\\bdelete\\s+)\\b(from|join|using)\\s+(lateral\\s+)?${table}\\b`, 'g')
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1')
}
