import type { Column, Columns } from './filter-sql.ts'
import { COMPANY } from './person.ts'
import { scimId } from './scim-id.ts'

const text = (sql: string, caseExact = false): Column => ({ kind: 'text', sql, caseExact })
const kept = (key: string): Column => text(`u.scim->>'${key}'`)

const EMAILS: Columns = new Map<string, Column>([
  ['value', text(`e.value->>'value'`)],
  ['type', text(`e.value->>'type'`)],
  ['display', text(`e.value->>'display'`)],
  ['primary', { kind: 'flag', sql: `(e.value->>'primary')::boolean` }],
])

const GROUPS: Columns = new Map<string, Column>([
  ['value', text('g.id', true)],
  ['display', text('g.name')],
])

// The id we know, or what was said while nobody of that name is known.
const MANAGER = text(`coalesce((select ${scimId('b')} from users b where b.id = u.manager_id), u.scim->>'manager')`, true)

/** What people can be filtered by; `u` is a row of users. */
export const USER_COLUMNS: Columns = new Map<string, Column>([
  ['id', text(scimId('u'), true)],
  ['externalid', text('u.external_id', true)],
  ['username', text('u.user_name')],
  ['active', { kind: 'flag', sql: `(u.state = 'active')` }],
  ['meta.created', { kind: 'moment', sql: 'u.created_at' }],
  ['meta.lastmodified', { kind: 'moment', sql: 'u.changed_at' }],
  ...['displayName', 'title', 'userType', ...COMPANY].map((key) => [key.toLowerCase(), kept(key)] as const),
  ...['formatted', 'familyName', 'givenName', 'middleName'].map(
    (part) => [`name.${part.toLowerCase()}`, text(`u.scim->'name'->>'${part}'`)] as const,
  ),
  [
    'emails',
    {
      kind: 'many',
      from: `jsonb_array_elements(coalesce(u.scim->'emails', '[]')) e`,
      columns: EMAILS,
    },
  ],
  [
    'groups',
    {
      kind: 'many',
      from: `(select g.id, g.name from group_members m join groups g on g.id = m.group_id where m.user_id = u.id and g.source = 'scim') g`,
      columns: GROUPS,
    },
  ],
  ['manager', MANAGER],
  ['manager.value', MANAGER],
])
