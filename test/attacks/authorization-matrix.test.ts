import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SCOPES } from '../../src/contract/identity.ts'
import { RouteTable } from '../../src/platform/http/route-table.ts'
import type { Api } from '../support/api.ts'
import { beingLeftAlone, type Call, type Cell, changesNothing, contents, wrongCells } from '../support/matrix-cells.ts'
import { withTable } from '../support/matrix-document.ts'
import { ENDPOINTS, pathOf } from '../support/matrix-endpoints.ts'
import { fieldCells } from '../support/matrix-fields.ts'
import { type Makers, makersOf } from '../support/matrix-makers.ts'
import { type Kinds, kindsOf } from '../support/matrix-objects.ts'
import { relationCells } from '../support/matrix-relation-cells.ts'
import {
  FLOW_PROPOSALS,
  GRANTS,
  INTEGRATION_PROPOSALS,
  INTEGRATIONS,
  NAMED_REVIEWS,
  REQUESTS,
  REVIEWS,
  type Relations,
  SESSIONS,
  TOKENS,
} from '../support/matrix-relations.ts'
import type { Expected } from '../support/matrix-rows.ts'
import { everyRole, type MatrixWorld, type Somebody, startMatrixWorld, unique } from '../support/matrix-world.ts'

const SECURITY = path.resolve(import.meta.dirname, '../../docs/security.md')

let world: MatrixWorld
let make: Makers
const counted: Record<string, number> = {}

beforeAll(async () => {
  world = await startMatrixWorld()
  make = makersOf(world)
  await world.flow({ kind: 'automatic' }) // so that everybody can ask for something
})
afterAll(async () => {
  await world?.close()
})

/** What is refused changes nothing, and neither does reading; what is allowed is done to a thing of its own. */
async function expectAll(what: string, harmless: readonly Cell[], others: readonly Cell[]): Promise<void> {
  await beingLeftAlone(world, async () => {
    const before = await contents(world)
    expect(await wrongCells(harmless)).toEqual([])
    expect(await contents(world)).toEqual(before)
  })
  expect(await wrongCells(others)).toEqual([])
  counted[what] = harmless.length + others.length
}

describe('every endpoint', () => {
  const routes = () => world.broker.app.get(RouteTable).routes.map(({ method, path }) => `${method} ${path}`)

  it('is one of which it was written down who may call it', () => {
    expect(routes().toSorted()).toEqual(Object.keys(ENDPOINTS).toSorted())
  })

  it('is in docs/security.md as it declares itself', () => {
    const document = readFileSync(SECURITY, 'utf8')
    const kept = withTable(document, world.broker.app.get(RouteTable))
    if (process.env['UPDATE_DOCS']) writeFileSync(SECURITY, kept)
    expect(kept, 'UPDATE_DOCS=1 npx vitest run test/attacks/authorization-matrix.test.ts writes it again').toBe(document)
  })

  it('lets in everybody with the scope and the role, and nobody else', { timeout: 180_000 }, async () => {
    const columns = await callers()
    const harmless: Cell[] = []
    const others: Cell[] = []
    for (const [endpoint, expected] of Object.entries(ENDPOINTS)) {
      const shared = await callOf(endpoint, expected)
      for (const { name, api, may } of columns) {
        const cell = { name: `${endpoint} by ${name}`, api, call: shared, expected: may(expected) }
        if (changesNothing(cell)) harmless.push(cell)
        else others.push({ ...cell, call: await callOf(endpoint, expected) })
      }
    }
    await expectAll('roles × scopes × endpoints', harmless, others)
    await world.query('delete from notification_deliveries') // or those that were retried would go on being retried
  })

  async function callOf(endpoint: string, { target }: Expected): Promise<Call> {
    const given = (await target?.(make)) ?? {}
    return { method: endpoint.split(' ')[0] as Call['method'], path: pathOf(endpoint, given), body: given.body }
  }

  interface Column {
    readonly name: string
    readonly api: Api
    may(expected: Expected): string
  }

  async function callers(): Promise<Column[]> {
    const { admin, broker } = world
    const columns: Column[] = []
    for (const [role, somebody] of await everyRole(world)) {
      for (const scopes of [...SCOPES.map((scope) => [scope]), SCOPES]) {
        const may = ({ who, ok }: Expected) => {
          if (who === 'public') return `${ok}`
          if (who === 'scim') return '401'
          const [scope = '', roles] = who.split(': ')
          const isIn = scopes.includes(scope as never) && (roles === undefined || roles.split(' ').includes(role))
          return isIn ? `${ok}` : '403 auth.forbidden'
        }
        columns.push({ name: `${role} with ${scopes}`, api: await somebody.with(scopes), may })
      }
    }
    const scimToken = await admin.must(admin.post('/api/scim-tokens', make.bodies.scimToken()))
    const [disabled, expired, revoked] = await Promise.all([1, 2, 3].map(() => world.person('former', ['admin'])))
    await admin.must(admin.patch(`/api/users/${disabled!.id}`, { state: 'disabled' }))
    await world.query(
      `update api_tokens set created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' where user_id = $1`,
      [expired!.id],
    )
    await world.query('update api_tokens set revoked_at = now() where user_id = $1', [revoked!.id])
    const strangers = { nobody: broker.api(), disabled: disabled!.api, expired: expired!.api, revoked: revoked!.api }
    const unknown = broker.api(unique('lk_0'))
    for (const [name, api] of Object.entries({ ...strangers, unknown })) {
      columns.push({ name: `${name} token`, api, may: ({ who, ok }) => (who === 'public' ? `${ok}` : '401') })
    }
    columns.push({
      name: 'the identity provider',
      api: broker.api(scimToken.token),
      may: ({ who, ok }) => (who === 'public' || who === 'scim' ? `${ok}` : '401'),
    })
    return columns
  }
})

let kinds: Kinds

describe('what somebody is to a thing', () => {
  beforeAll(async () => {
    kinds = await kindsOf(world)
  })

  const TABLES: readonly (readonly [string, keyof Kinds, Relations])[] = [
    ['a request', 'requests', REQUESTS],
    ['a grant', 'grants', GRANTS],
    ['a review with reviewers', 'namedReviews', NAMED_REVIEWS],
    ['a review without', 'reviews', REVIEWS],
    ['a proposed flow', 'flowProposals', FLOW_PROPOSALS],
    ['a proposed integration', 'integrationProposals', INTEGRATION_PROPOSALS],
    ['an integration', 'integrations', INTEGRATIONS],
    ['a token', 'tokens', TOKENS],
    ['a session', 'sessions', SESSIONS],
  ]

  it.each(TABLES)('decides with its state about %s', { timeout: 180_000 }, async (what, kind, relations) => {
    const { harmless, others } = await relationCells(kinds[kind], relations)
    await expectAll(what, harmless, others)
  })
})

describe('a field or a filter', () => {
  it('that one may not set gains nothing', { timeout: 60_000 }, async () => {
    await expectAll('fields', await fieldCells(world, kinds), [])
  })

  it('shows nobody what is not theirs', async () => {
    const { stranger, requester } = kinds.requests.people
    const items = async (who: Somebody | undefined, path: string) => (await who!.api.must(who!.api.get(path))).items
    expect(await items(requester, '/api/grants?whose=all&limit=200')).not.toEqual([])
    for (const path of [
      '/api/grants?whose=all',
      `/api/grants?whose=all&grantee=${requester!.id}`,
      '/api/access-requests?role=any',
      '/api/access-requests?role=approver',
    ]) {
      expect(await items(stranger, path), path).toEqual([])
    }
    const waiting = await items(requester, '/api/access-requests?role=approver&limit=200')
    expect(waiting.filter((item: { requester: { id: string } }) => item.requester.id === requester!.id)).toEqual([])
  })
})

describe('the matrix', () => {
  it('has as many cells as were promised', () => {
    expect(Object.values(counted).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(6_000)
  })
})
