import type { Column, Columns } from './filter-sql.ts'
import { scimId } from './scim-id.ts'

const text = (sql: string, caseExact = false): Column => ({ kind: 'text', sql, caseExact })

/** Of members; `p` is a row of users. */
export const MEMBER_COLUMNS: Columns = new Map<string, Column>([
  ['value', text(scimId('p'), true)],
  ['display', text('p.name')],
  ['type', text(`'User'`)],
])

/** What groups can be filtered by; `g` is a row of groups. */
export const GROUP_COLUMNS: Columns = new Map<string, Column>([
  ['id', text('g.id', true)],
  ['externalid', text('g.external_id', true)],
  ['displayname', text('g.name')],
  ['meta.created', { kind: 'moment', sql: 'g.created_at' }],
  ['meta.lastmodified', { kind: 'moment', sql: 'g.changed_at' }],
  [
    'members',
    {
      kind: 'many',
      from: '(select p.id, p.scim_id, p.name from group_members m join users p on p.id = m.user_id where m.group_id = g.id) p',
      columns: MEMBER_COLUMNS,
    },
  ],
])
