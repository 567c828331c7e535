import type { Makers } from './matrix-makers.ts'
import { absent } from './matrix-makers.ts'
import { unique } from './matrix-world.ts'

interface Target {
  /** in the order in which they stand in the path */
  readonly ids?: readonly string[]
  readonly query?: string
  readonly body?: unknown
}

export interface Expected {
  /** `scope: roles`, `scope` for everybody with a token, `public`, or `scim` */
  readonly who: string
  /** what those are answered */
  readonly ok: number
  /** a new thing to do it to; not needed where reading does no harm */
  readonly target?: (make: Makers) => Target | Promise<Target>
}

const read = (ids: readonly string[] = [], query = '') => ({ target: () => ({ ids, query }) })
const SEERS = 'read: admin owner auditor'
const on = (make: (makers: Makers) => Promise<string>, body?: unknown) => ({
  target: async (makers: Makers) => ({ ids: [await make(makers)], body }),
})
const open = (ok: number): Expected => ({ who: 'public', ok })
const scim = (ok: number, target?: Target): Expected => ({ who: 'scim', ok, target: target && (() => target) })
const aRun = (who: string, body?: unknown): Expected => ({
  who,
  ok: 404,
  target: () => ({ ids: ['run_00000000000000000000000000'], body }),
})
const aRotation = (who: string, body?: unknown): Expected => ({
  who,
  ok: 404,
  target: () => ({ ids: ['rot_00000000000000000000000000'], body }),
})
const A_REMINDER = {
  name: 'renew the contract',
  does: { kind: 'remind', what: 'call them' },
  schedule: { kind: 'every', seconds: 86_400 },
}
const missing = (who: string, prefix: string, body?: unknown): Expected => ({
  who,
  ok: 404,
  target: () => ({ ids: [absent(prefix)], body }),
})
const SCIM_USER = 'urn:ietf:params:scim:schemas:core:2.0:User'

/**
 * Who may call what, written by hand from what was promised (docs/security.md) and not from the code. What a relation to the thing
 * decides besides (whose request, whose grant) stands in matrix-relations.ts; here such a call is about something that is not there.
 */
export const ENDPOINTS: Record<string, Expected> = {
  'POST /api/action-requests': {
    who: 'request',
    ok: 422,
    target: () => ({ body: { integrationId: 'int_00000000000000000000000000', action: 'paint-wall', input: {} } }),
  },
  'POST /api/action-requests/dry-run': {
    who: 'request',
    ok: 200,
    target: () => ({ body: { integrationId: 'int_00000000000000000000000000', action: 'paint-wall', input: {} } }),
  },
  'GET /api/integrations/:id/actions': { who: SEERS, ok: 404, target: () => ({ ids: ['int_00000000000000000000000000'] }) },
  'POST /api/integrations/:id/actions/:action/preview': {
    who: 'manage: admin',
    ok: 404,
    target: () => ({ ids: ['int_00000000000000000000000000', 'paint-wall'], body: { input: {} } }),
  },
  'POST /api/runs': {
    who: 'manage: admin',
    ok: 404,
    target: () => ({ body: { integrationId: 'int_00000000000000000000000000', action: 'paint-wall', input: {}, reason: 'x' } }),
  },
  'GET /api/runs': { who: SEERS, ok: 200, target: () => ({}) },
  'GET /api/runs/:id': aRun('read'),
  'GET /api/runs/:id/steps': aRun('read'),
  'GET /api/runs/:id/receipt': aRun('read'),
  'GET /api/runs/:id/rollback': aRun(SEERS),
  'POST /api/runs/:id/cancel': aRun('manage: admin'),
  'POST /api/runs/:id/rollback': aRun('manage: admin', { reason: 'x' }),
  'POST /api/rotations': { who: 'manage: admin', ok: 201, target: () => ({ body: { ...A_REMINDER, name: unique('rotation') } }) },
  'GET /api/rotations': { who: SEERS, ok: 200, target: () => ({}) },
  'GET /api/rotations/due': { who: SEERS, ok: 200, target: () => ({}) },
  'GET /api/rotations/:id': aRotation(SEERS),
  'GET /api/rotations/:id/turns': aRotation(SEERS),
  'PATCH /api/rotations/:id': aRotation('manage: admin', { active: false }),
  'DELETE /api/rotations/:id': aRotation('manage: admin'),
  'POST /api/rotations/:id/run': aRotation('manage: admin', { reason: 'x' }),
  'POST /api/rotations/:id/done': aRotation('manage: admin owner', {}),
  // What is made of a certificate, a login or a target stands in the tests of distribution: here they are refused for what they are.
  'POST /api/certificates': { who: 'manage: admin', ok: 400, target: () => ({ body: { name: 'x', certificate: 'none' } }) },
  'POST /api/certificate-sources': { who: 'manage: admin', ok: 400, target: () => ({ body: { name: 'x', from: {} } }) },
  'GET /api/certificate-sources': { who: SEERS, ok: 200, target: () => ({}) },
  'GET /api/certificate-sources/:id': missing(SEERS, 'cso'),
  'POST /api/certificate-sources/:id/renew': missing('manage: admin', 'cso', { reason: 'x' }),
  'DELETE /api/certificate-sources/:id': missing('manage: admin', 'cso'),
  'GET /api/certificates': { who: SEERS, ok: 200, target: () => ({}) },
  'GET /api/certificates/:id': missing(SEERS, 'crt'),
  'DELETE /api/certificates/:id': missing('manage: admin', 'crt'),
  'POST /api/target-credentials': {
    who: 'manage: admin',
    ok: 400,
    target: () => ({ body: { name: 'x', plugin: 'toy', login: {}, destinations: [{}] } }),
  },
  'GET /api/target-credentials': { who: SEERS, ok: 200, target: () => ({}) },
  'GET /api/target-credentials/:id': missing(SEERS, 'crd'),
  'PATCH /api/target-credentials/:id': missing('manage: admin', 'crd', {}),
  'DELETE /api/target-credentials/:id': missing('manage: admin', 'crd'),
  'POST /api/targets': {
    who: 'manage: admin',
    ok: 404,
    target: () => ({ body: { name: 'x', credentialId: absent('crd'), location: {} } }),
  },
  'POST /api/targets/test': {
    who: 'manage: admin',
    ok: 404,
    target: () => ({ body: { credentialId: absent('crd'), location: {} } }),
  },
  'GET /api/targets': { who: SEERS, ok: 200, target: () => ({}) },
  'GET /api/targets/:id': missing(SEERS, 'tgt'),
  'GET /api/targets/:id/minimum-policy': missing('manage: admin', 'tgt'),
  'PATCH /api/targets/:id': missing('manage: admin', 'tgt', {}),
  'POST /api/targets/:id/health': missing('manage: admin', 'tgt'),
  'DELETE /api/targets/:id': missing('manage: admin', 'tgt'),
  'POST /api/distributions': {
    who: 'manage: admin',
    ok: 404,
    target: () => ({ body: { certificateId: absent('crt'), targetIds: [absent('tgt')], reason: 'x' } }),
  },
  'GET /api/distributions': { who: SEERS, ok: 200, target: () => ({}) },
  'GET /api/distributions/:id': missing(SEERS, 'dst'),
  'POST /api/distributions/:id/resume': missing('manage: admin', 'dst', { reason: 'x' }),
  'POST /api/distributions/:id/cancel': missing('manage: admin', 'dst', { reason: 'x' }),
  'GET /api/distributions/:id/rollback': missing(SEERS, 'dst'),
  'POST /api/distributions/:id/rollback': missing('manage: admin', 'dst', { reason: 'x' }),
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

  'GET /scim/v2/ServiceProviderConfig': scim(200),
  'GET /scim/v2/ResourceTypes': scim(200),
  'GET /scim/v2/ResourceTypes/:id': scim(200, { ids: ['User'] }),
  'GET /scim/v2/Schemas': scim(200),
  'GET /scim/v2/Schemas/:id': scim(200, { ids: [SCIM_USER] }),
  'GET /scim/v2/Users': scim(200),
  'GET /scim/v2/Users/:id': scim(404, { ids: ['x'] }),
  'POST /scim/v2/Users': scim(400, { body: {} }),
  'PUT /scim/v2/Users/:id': scim(404, { ids: ['x'], body: { schemas: [SCIM_USER], userName: 'x' } }),
  'PATCH /scim/v2/Users/:id': scim(400, { ids: ['x'], body: {} }),
  'DELETE /scim/v2/Users/:id': scim(404, { ids: ['x'] }),
  'POST /scim/v2/.search': scim(400, { body: {} }),
  'POST /scim/v2/Users/.search': scim(400, { body: {} }),
  'POST /scim/v2/Groups/.search': scim(400, { body: {} }),
  'GET /scim/v2/Groups': scim(200),
  'GET /scim/v2/Groups/:id': scim(404, { ids: ['x'] }),
  'POST /scim/v2/Groups': scim(400, { body: {} }),
  'PUT /scim/v2/Groups/:id': scim(400, { ids: ['x'], body: {} }),
  'PATCH /scim/v2/Groups/:id': scim(400, { ids: ['x'], body: {} }),
  'DELETE /scim/v2/Groups/:id': scim(404, { ids: ['x'] }),

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

  'GET /api/users': { who: SEERS, ok: 200 },
  'GET /api/users/:id': { who: SEERS, ok: 200, ...on((make) => make.user()) },
  'POST /api/users': { who: 'manage: admin', ok: 201, target: (make) => ({ body: make.bodies.user() }) },
  'PATCH /api/users/:id': { who: 'manage: admin', ok: 200, ...on((make) => make.user(), { roles: ['auditor'] }) },
  'DELETE /api/users/:id/sessions': { who: 'manage: admin', ok: 204, ...on((make) => make.user()) },
  'POST /api/users/:id/enrolment-code': { who: 'manage: admin', ok: 201, ...on((make) => make.user(), {}) },
  'DELETE /api/users/:id/enrolment-code': { who: 'manage: admin', ok: 204, ...on((make) => make.user()) },
  'POST /api/enrolments': { who: 'public', ok: 403, target: () => ({ body: { code: `lke_${'0'.repeat(43)}` } }) },
  'GET /api/groups': { who: SEERS, ok: 200 },
  'GET /api/groups/:id': { who: SEERS, ok: 200, ...on((make) => make.group()) },
  'POST /api/groups': { who: 'manage: admin', ok: 201, target: (make) => ({ body: make.bodies.group() }) },
  'DELETE /api/groups/:id': { who: 'manage: admin', ok: 204, ...on((make) => make.group()) },
  'PUT /api/groups/:id/members/:userId': {
    who: 'manage: admin',
    ok: 204,
    target: async (make) => ({ ids: [await make.group(), await make.user()] }),
  },
  'DELETE /api/groups/:id/members/:userId': {
    who: 'manage: admin',
    ok: 204,
    target: async (make) => ({ ids: [await make.group(), await make.user()] }),
  },
  'GET /api/role-groups': { who: SEERS, ok: 200 },
  'PUT /api/role-groups/:role/:groupId': {
    who: 'manage: admin',
    ok: 204,
    target: async (make) => ({ ids: ['auditor', await make.group()] }),
  },
  'DELETE /api/role-groups/:role/:groupId': {
    who: 'manage: admin',
    ok: 204,
    target: async (make) => ({ ids: ['auditor', await make.group()] }),
  },
  'GET /api/scim-tokens': { who: 'manage: admin', ok: 200 },
  'POST /api/scim-tokens': { who: 'manage: admin', ok: 201, target: (make) => ({ body: make.bodies.scimToken() }) },
  'POST /api/scim-tokens/:id/rotate': {
    who: 'manage: admin',
    ok: 201,
    ...on((make) => make.scimToken(), { expiresInSeconds: 60 }),
  },
  'DELETE /api/scim-tokens/:id': { who: 'manage: admin', ok: 204, ...on((make) => make.scimToken()) },
  'GET /api/sessions': { who: 'read', ok: 200 },
  'DELETE /api/sessions/:id': { who: 'read', ok: 404, ...read([absent('ses')]) },
  'GET /api/tokens': { who: 'read', ok: 200 },
  'POST /api/tokens': { who: 'manage', ok: 201, target: (make) => ({ body: make.bodies.token() }) },
  'DELETE /api/tokens/:id': { who: 'read', ok: 404, ...read([absent('tok')]) },

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
