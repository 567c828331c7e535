import { newId } from '../../src/platform/ids.ts'
import { type MatrixWorld, peopleOf, type Somebody, TOY_CONFIG, unique } from './matrix-world.ts'

/** An id like a real one, of nothing. */
export const absent = (prefix: string) => `${prefix}_01m82dbh2ycne5c2mnkxq308j3`

/** New things for one call each, made by the admin. */
export type Makers = ReturnType<typeof makersOf>

export function makersOf(world: MatrixWorld) {
  const { admin, integrationId, resourceId } = world
  const made = async (path: string, body: unknown): Promise<string> => (await admin.must(admin.post(path, body))).id
  const webhook = { url: 'https://hooks.example.com/latchkey', active: false }
  const rule = {
    requesters: { kind: 'everyone' },
    resources: [{ paths: ['a'] }],
    permissions: { 'toy-thing': ['play'] },
    maxSeconds: 60,
    approval: { kind: 'automatic' },
  }
  return {
    bodies: {
      user: () => ({ name: unique('somebody') }),
      group: () => ({ name: unique('some') }),
      token: () => ({ name: 'mine', scopes: ['manage'], expiresInSeconds: 60 }),
      scimToken: () => ({ name: unique('scim'), expiresInSeconds: 86_400 }),
      webhook: () => ({ name: unique('hook'), ...webhook }),
      integration: () => ({ name: unique('toy').slice(0, 60), plugin: 'toy', config: TOY_CONFIG, skipTest: true }),
      bundle: () => ({ name: unique('bundle'), resources: [{ resourceId, permissions: ['play'] }] }),
      flow: () => ({ name: unique('flow'), integrationId, active: false, rule }),
      ask: () => ({ resources: [{ resourceId, permissions: ['play'] }], seconds: 3600, justification: 'because' }),
      simulation: () => ({ resourceId, permissions: ['play'] }),
    },
    user: () => made('/api/users', { name: unique('somebody') }),
    group: () => made('/api/groups', { name: unique('some') }),
    tokenOf: (who: Somebody) => made('/api/tokens', { userId: who.id, name: 'another', scopes: ['read'], expiresInSeconds: 600 }),
    scimToken: () => made('/api/scim-tokens', { name: unique('scim'), expiresInSeconds: 86_400 }),
    webhook: () => made('/api/webhooks', { name: unique('hook'), ...webhook }),
    integration: world.integration,
    bundle: () => made('/api/bundles', { name: unique('bundle'), resources: [{ resourceId, permissions: ['play'] }] }),
    flow: () => made('/api/access-flows', { name: unique('flow'), integrationId, active: false, rule }),
    sessionOf: async (who: Somebody) => {
      const id = newId('ses')
      await world.query(
        `insert into http_sessions (sid, sess, expire, id, user_id, issuer, subject) values ($1, '{}', now() + interval '1 hour', $1, $2, 'i', 's')`,
        [id, who.id],
      )
      return id
    },
    delivery: async () => {
      const id = newId('ntf')
      await world.query(
        `insert into notification_deliveries (id, event_id, kind, channel, target, state, settled_at)
         select $1, id, kind, 'webhook', $1, 'dead', now() from audit_events limit 1`,
        [id],
      )
      return id
    },
    /** asks as `who`; under this flow, or the first that fits */
    request: async (who: Somebody, flowId: string, more: object = {}) =>
      who.api.must(
        who.api.post('/api/access-requests', {
          flowId,
          resources: [{ resourceId, permissions: ['play'] }],
          seconds: 3600,
          justification: 'because',
          ...more,
        }),
      ),
    decide: (who: Somebody, requestId: string, decision: 'approve' | 'reject') =>
      who.api.must(who.api.post(`/api/access-requests/${requestId}/approvals`, { decision, reason: 'so' })),
    owners: (...who: Somebody[]) =>
      admin.must(admin.put(`/api/integrations/${integrationId}/ownership`, { owners: peopleOf(...who), resourceOwner: null })),
  }
}
