import { absent } from './matrix-makers.ts'
import { PEOPLE_ENDPOINTS } from './matrix-people-endpoints.ts'
import { type Expected, on, open, read, SEERS, type Target } from './matrix-rows.ts'
import { WORK_ENDPOINTS } from './matrix-work-endpoints.ts'

/**
 * Who may call what, written by hand from what was promised (docs/security.md) and not from the code. What a relation to the thing
 * decides besides (whose request, whose grant) stands in matrix-relations.ts; here such a call is about something that is not there.
 */
export const ENDPOINTS: Record<string, Expected> = {
  ...WORK_ENDPOINTS,
  'GET /livez': open(200),
  'GET /readyz': open(200),
  'GET /metrics': open(200),
  'GET /': open(302),
  'GET /auth/signed-in': open(200),
  // This broker has no identity provider.
  'GET /auth/options': open(404),
  'GET /auth/login': open(404),
  'GET /auth/callback': open(404),
  'POST /auth/logout': open(404),
  'POST /auth/back-channel-logout': open(400), // without its form

  'GET /api/me': { who: 'read', ok: 200 },
  // This broker has no identity provider.
  'GET /api/identity-provider/check': { who: 'read: admin', ok: 404 },
  'GET /api/catalog': { who: 'read', ok: 200 },
  'GET /api/catalog/:plugin': { who: 'read', ok: 200, ...read(['toy']) },
  'POST /api/catalog/:plugin/minimum-policy': {
    who: 'manage: admin',
    ok: 200,
    target: () => ({ ids: ['toy'], body: { config: { address: 'here', login: { method: 'key', key: 'k' } } } }),
  },

  ...PEOPLE_ENDPOINTS,

  'GET /api/integrations': { who: SEERS, ok: 200 },
  'GET /api/integrations/:id': { who: SEERS, ok: 200, ...on((make) => make.integration()) },
  'GET /api/integrations/:id/minimum-policy': { who: 'manage: admin', ok: 200, ...on((make) => make.integration()) },
  'POST /api/integrations': { who: 'manage: admin', ok: 201, target: (make) => ({ body: make.bodies.integration() }) },
  'POST /api/integrations/test': {
    who: 'manage: admin',
    ok: 200,
    target: ({ bodies }) => ({ body: { plugin: 'toy', config: bodies.integration().config } }),
  },
  'PATCH /api/integrations/:id': {
    who: 'manage: admin',
    ok: 200,
    ...on((make) => make.integration(), { accessDetails: 'hello' }),
  },
  'POST /api/integrations/:id/health': { who: 'manage: admin', ok: 200, ...on((make) => make.integration()) },
  'POST /api/integrations/:id/pause': { who: 'manage: admin', ok: 200, ...on((make) => make.integration()) },
  'POST /api/integrations/:id/resume': { who: 'manage: admin', ok: 409, ...on((make) => make.integration()) },
  'POST /api/integrations/:id/end-access': {
    who: 'manage: admin owner',
    ok: 400,
    ...on((make) => make.integration(), { confirm: 'not its name', reason: 'the matrix' }),
  },
  'POST /api/integrations/:id/write-off': {
    who: 'manage: admin',
    ok: 400,
    ...on((make) => make.integration(), { confirm: 'not its name', reason: 'the matrix' }),
  },
  'DELETE /api/integrations/:id': { who: 'manage: admin', ok: 204, ...on((make) => make.integration()) },
  'POST /api/integrations/:id/sweep': { who: 'manage: admin owner', ok: 200, ...on((make) => make.integration()) },
  'POST /api/integrations/:id/sync': { who: 'manage: admin owner', ok: 404, ...read([absent('int')]) },
  'GET /api/integrations/:id/sync': { who: SEERS, ok: 404, ...read([absent('int')]) },
  'GET /api/integrations/:id/syncs': { who: SEERS, ok: 200, ...on((make) => make.integration()) },
  'GET /api/integrations/:id/ownership': { who: SEERS, ok: 200, ...on((make) => make.integration()) },
  'PUT /api/integrations/:id/ownership': {
    who: 'manage: admin owner',
    ok: 200,
    ...on((make) => make.integration(), { owners: null, resourceOwner: null }),
  },
  'GET /api/resources': { who: 'read', ok: 200 },
  'GET /api/resources/:id': { who: 'read', ok: 404, ...read([absent('res')]) },
  'GET /api/resources/:id/offers': { who: 'read', ok: 404, ...read([absent('res')]) },

  'POST /api/access-flows': { who: 'manage: admin owner', ok: 201, target: (make) => ({ body: make.bodies.flow() }) },
  'GET /api/access-flows': { who: SEERS, ok: 200 },
  'GET /api/access-flows/:id': { who: SEERS, ok: 200, ...on((make) => make.flow()) },
  'PATCH /api/access-flows/:id': { who: 'manage: admin owner', ok: 200, ...on((make) => make.flow(), { active: false }) },
  'POST /api/access-flows/simulate': { who: SEERS, ok: 200, target: (make) => ({ body: make.bodies.simulation() }) },
  'POST /api/bundles': { who: 'manage: admin owner', ok: 201, target: (make) => ({ body: make.bodies.bundle() }) },
  'GET /api/bundles': { who: 'read', ok: 200 },
  'GET /api/bundles/:id': { who: 'read', ok: 200, ...on((make) => make.bundle()) },
  'DELETE /api/bundles/:id': { who: 'manage: admin owner', ok: 204, ...on((make) => make.bundle()) },
  'GET /api/proposals': { who: SEERS, ok: 200 },
  'GET /api/proposals/:id': { who: SEERS, ok: 404, ...read([absent('prp')]) },
  'POST /api/proposals/:id/accept': { who: 'manage: admin owner', ok: 404, ...read([absent('prp')]) },
  'POST /api/proposals/:id/decline': { who: 'manage: admin owner', ok: 404, ...read([absent('prp')]) },
  'POST /api/proposals/:id/withdraw': { who: 'manage: admin owner', ok: 404, ...read([absent('prp')]) },

  'POST /api/access-requests': { who: 'request', ok: 201, target: (make) => ({ body: make.bodies.ask() }) },
  'POST /api/access-requests/dry-run': { who: 'request', ok: 200, target: (make) => ({ body: make.bodies.ask() }) },
  'GET /api/access-requests': { who: 'read', ok: 200, ...read([], '?role=any') },
  'GET /api/access-requests/:id': { who: 'read', ok: 404, ...read([absent('req')]) },
  'POST /api/access-requests/:id/approvals': {
    who: 'approve',
    ok: 404,
    target: () => ({ ids: [absent('req')], body: { decision: 'approve' } }),
  },
  'POST /api/access-requests/:id/cancel': { who: 'request', ok: 404, ...read([absent('req')]) },
  'GET /api/emergency-reviews': { who: 'read', ok: 200 },
  'POST /api/emergency-reviews/:id/close': {
    who: 'approve',
    ok: 404,
    target: () => ({ ids: [absent('rev')], body: { note: 'seen' } }),
  },

  'GET /api/grants': { who: 'read', ok: 200, ...read([], '?whose=all') },
  'GET /api/grants/:id': { who: 'read', ok: 404, ...read([absent('grt')]) },
  'GET /api/grants/:id/steps': { who: 'read', ok: 404, ...read([absent('grt')]) },
  'GET /api/grants/:id/receipt': { who: 'read', ok: 404, ...read([absent('grt')]) },
  'GET /api/grants/:id/credential': { who: 'read', ok: 404, ...read([absent('grt')]) },
  'POST /api/grants/:id/open': { who: 'request', ok: 404, ...read([absent('grt')]) },
  'POST /api/grants/:id/give-back': { who: 'request', ok: 404, ...read([absent('grt')]) },
  'POST /api/grants/:id/report': { who: 'request', ok: 404, target: () => ({ ids: [absent('grt')], body: {} }) },
  'POST /api/grants/:id/extend': { who: 'request', ok: 404, target: () => ({ ids: [absent('grt')], body: { seconds: 60 } }) },
  'POST /api/grants/:id/revoke': { who: 'approve', ok: 404, target: () => ({ ids: [absent('grt')], body: { reason: 'x' } }) },

  'GET /api/audit': { who: 'audit: admin auditor', ok: 200 },
  'GET /api/audit/export': { who: 'audit: admin auditor', ok: 200 },
  'POST /api/audit/verify': { who: 'audit: admin auditor', ok: 200 },
  'GET /api/webhooks': { who: 'read: admin', ok: 200 },
  'GET /api/webhooks/:id': { who: 'read: admin', ok: 200, ...on((make) => make.webhook()) },
  'POST /api/webhooks': { who: 'manage: admin', ok: 201, target: (make) => ({ body: make.bodies.webhook() }) },
  'PATCH /api/webhooks/:id': { who: 'manage: admin', ok: 200, ...on((make) => make.webhook(), { active: false }) },
  'DELETE /api/webhooks/:id': { who: 'manage: admin', ok: 204, ...on((make) => make.webhook()) },
  'POST /api/webhooks/:id/rotate': { who: 'manage: admin', ok: 200, ...on((make) => make.webhook(), {}) },
  'POST /api/webhooks/:id/test': { who: 'manage: admin', ok: 404, ...read([absent('whk')]) },
  'GET /api/notifications/deliveries': { who: 'read: admin', ok: 200 },
  'POST /api/notifications/deliveries/:id/retry': { who: 'manage: admin', ok: 200, ...on((make) => make.delivery()) },
}

/** The path with its parameters filled in. */
export function pathOf(endpoint: string, { ids = [], query = '' }: Target): string {
  const left = [...ids]
  return endpoint.replace(/^\S+ /, '').replace(/:\w+/g, () => left.shift() ?? absent('usr')) + query
}
