import { SCOPES } from '../../src/contract/identity.ts'
import { type Call, type Cell, changesNothing } from './matrix-cells.ts'
import { ENDPOINTS } from './matrix-endpoints.ts'
import { absent } from './matrix-makers.ts'
import type { Kind } from './matrix-objects.ts'
import type { Relations } from './matrix-relations.ts'

const BODIES: Record<string, unknown> = {
  'POST /api/access-requests/:id/approvals approve': { decision: 'approve' },
  'POST /api/access-requests/:id/approvals reject': { decision: 'reject', reason: 'no' },
  'POST /api/grants/:id/extend': { seconds: 60, justification: 'longer' },
  'POST /api/grants/:id/report': {},
  'POST /api/grants/:id/revoke': { reason: 'enough' },
  'POST /api/emergency-reviews/:id/close': { note: 'seen' },
  'POST /api/integrations/:id/end-access': { confirm: 'not its name', reason: 'the matrix' },
  'POST /api/integrations/:id/write-off': { confirm: 'not its name', reason: 'the matrix' },
  'PATCH /api/integrations/:id': { accessDetails: 'hello' },
  'PUT /api/integrations/:id/ownership': { owners: null, resourceOwner: null },
}
const WORDS: Record<string, string> = {
  self: '403 access.self_approval',
  403: '403 auth.forbidden',
  404: '404 not_found',
  none: '404',
}

/** Every cell of a table; and where it allows something in some state, the same people without the scope, who may not in any. */
export async function relationCells(kind: Kind, { columns, states, calls }: Relations) {
  const relations = columns.split(' ')
  const shared = new Map<string, string>()
  for (const state of states) shared.set(state, await kind.make(state))
  const harmless: Cell[] = []
  const others: Promise<Cell>[] = []
  for (const [use, rows] of Object.entries(calls)) {
    const able = new Set<string>()
    for (const state of states) {
      const row = (rows[state] ?? rows['*'])!.trim().split(/\s+/)
      if (row.length !== relations.length) throw new Error(`${use}, ${state}: ${row.length} cells for ${relations.length} people`)
      for (const [column, relation] of relations.entries()) {
        const word = row[column]!
        const cell = {
          name: `${use}, ${state}, by ${relation}`,
          api: kind.people[relation]!.api,
          call: callOf(use, shared.get(state)!),
          expected: WORDS[word] ?? word,
          ...(word === '404' && { absent: callOf(use, absent(shared.get(state)!.slice(0, 3))) }),
        }
        if (word.startsWith('2')) able.add(relation)
        if (changesNothing(cell)) harmless.push(cell)
        else others.push(kind.make(state).then((id) => ({ ...cell, call: callOf(use, id) })))
      }
    }
    await Promise.all(others) // so many things at once
    harmless.push(...(await withoutScope(kind, use, able, shared)))
  }
  return { harmless, others: await Promise.all(others) }
}

async function withoutScope(kind: Kind, use: string, able: ReadonlySet<string>, shared: ReadonlyMap<string, string>) {
  const needed = ENDPOINTS[use.split(' ', 2).join(' ')]!.who.split(': ')[0]
  const cells: Cell[] = []
  for (const relation of able) {
    const api = await kind.people[relation]!.with(SCOPES.filter((scope) => scope !== needed))
    for (const [state, id] of shared) {
      const name = `${use}, ${state}, by ${relation} without the scope ${needed}`
      cells.push({ name, api, call: callOf(use, id), expected: '403 auth.forbidden' })
    }
  }
  return cells
}

function callOf(use: string, id: string): Call {
  const [method, path] = use.split(' ') as [Call['method'], string]
  return { method, path: path.replace(':id', id), body: BODIES[use] }
}
