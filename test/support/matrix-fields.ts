import type { Call, Cell } from './matrix-cells.ts'
import type { Kinds } from './matrix-objects.ts'
import { type MatrixWorld, type Somebody, unique } from './matrix-world.ts'

/** Fields that would give their sender more than they have: somebody else's name, a role, a state, more time. */
export async function fieldCells(world: MatrixWorld, kinds: Kinds): Promise<Cell[]> {
  const { requester, past, waiting, stranger, owner, admin } = kinds.requests.people as Record<
    'requester' | 'past' | 'waiting' | 'stranger' | 'owner' | 'admin',
    Somebody
  >
  const proposer = kinds.flowProposals.people['proposer']!
  const reader = { id: requester.id, api: await kinds.requests.people['requester']!.with(['read']) }
  const request = `/api/access-requests/${await kinds.requests.make('pending')}`
  const grant = `/api/grants/${await kinds.grants.make('active')}`
  const review = `/api/emergency-reviews/${await kinds.reviews.make('open')}`
  const proposal = `/api/proposals/${await kinds.flowProposals.make('open')}`
  const flow = `/api/access-flows/${await world.flow({ kind: 'automatic' }, { requesters: { kind: 'people', users: [admin.id], groups: [] } })}`
  const integration = `/api/integrations/${await kinds.integrations.make('active')}`
  const ask = { resources: [{ resourceId: world.resourceId, permissions: ['play'] }], seconds: 3600, justification: 'because' }
  const token = { name: 'mine', scopes: ['read'], expiresInSeconds: 60 }
  const approval = { decision: 'approve' }

  type Row = readonly [who: { api: Cell['api'] }, call: string, bodies: readonly object[], expected: string]
  const unknown = '400 input.invalid'
  const rows: readonly Row[] = [
    [
      requester,
      `PATCH /api/users/${requester.id}`,
      [{ roles: ['admin'] }, { state: 'active' }, { email: 'boss@example.com' }],
      '403',
    ],
    [owner, `PATCH /api/users/${owner.id}`, [{ roles: ['admin', 'owner'] }], '403'],
    [owner, 'POST /api/users', [{ name: unique('puppet'), roles: ['admin'] }], '403'],
    [
      admin,
      `PATCH /api/users/${requester.id}`,
      [{ id: admin.id }, { source: 'scim' }, { managerId: admin.id }, { externalId: '1' }, { userName: 'x' }, { attributes: {} }],
      unknown,
    ],
    [
      requester,
      'POST /api/tokens',
      [
        { ...token, userId: waiting.id },
        { ...token, userId: admin.id },
      ],
      '403 auth.forbidden',
    ],
    [
      reader,
      'POST /api/tokens',
      ['request', 'approve', 'manage', 'audit'].map((one) => ({ ...token, scopes: ['read', one] })),
      '403',
    ],
    [
      requester,
      'POST /api/tokens',
      [{ createdBy: waiting.id }, { makers: [] }, { roles: ['admin'] }, { hash: 'x' }, { id: 'x' }].map((more) => ({
        ...token,
        ...more,
      })),
      unknown,
    ],
    [requester, `GET /api/tokens?userId=${waiting.id}`, [], '403 auth.forbidden'],
    [requester, `GET /api/sessions?userId=${waiting.id}`, [], '404 not_found'],
    [requester, `GET /api/me?userId=${admin.id}`, [], unknown],
    [
      requester,
      'POST /api/access-requests',
      [
        { requesterId: waiting.id },
        { granteeId: stranger.id },
        { state: 'approved' },
        { approvedSeconds: 60 },
        { delivery: 'password' },
        { flowVersion: 1 },
        { stage: 2 },
        { approvers: [requester.id] },
      ].map((more) => ({ ...ask, ...more })),
      unknown,
    ],
    [
      waiting,
      `POST ${request}/approvals`,
      [{ approverId: past.id }, { approver: waiting.id }, { stage: 2 }, { state: 'approved' }, { seconds: 3601 }].map((more) => ({
        ...approval,
        ...more,
      })),
      unknown,
    ],
    [stranger, `POST ${request}/approvals`, [approval, { ...approval, reason: waiting.id }], '404 not_found'],
    [stranger, `POST ${request}/cancel`, [{ requesterId: stranger.id }, { userId: requester.id }], '404 not_found'],
    [stranger, `POST ${grant}/open`, [{ userId: requester.id }, { granteeId: stranger.id }], '404 not_found'],
    [stranger, `POST ${grant}/give-back`, [{ granteeId: stranger.id }], '404 not_found'],
    [
      requester,
      `POST ${grant}/extend`,
      [
        { seconds: 60, granteeId: stranger.id },
        { seconds: 60, expiresAt: '2999-01-01' },
      ],
      unknown,
    ],
    [requester, `POST ${grant}/extend`, [{ seconds: 601, justification: 'more' }], '422 access.denied'],
    [
      past,
      `POST ${grant}/revoke`,
      [
        { reason: 'x', by: admin.id },
        { reason: 'x', endedBy: admin.id },
      ],
      unknown,
    ],
    [
      admin,
      `POST ${review}/close`,
      [
        { note: 'x', closedBy: past.id },
        { note: 'x', requesterId: past.id },
      ],
      unknown,
    ],
    [
      proposer,
      `POST ${proposal}/accept`,
      [{ proposer: admin.id }, { proposerId: admin.id, decidedBy: admin.id }],
      '403 access.self_approval',
    ],
    [
      owner,
      `PATCH ${flow}`,
      [{ createdBy: admin.id }, { integrationId: 'int_x' }, { id: 'flw_x' }, { state: 'active' }],
      unknown,
    ],
    [admin, `PATCH ${integration}`, [{ state: 'removed' }, { owners: null }, { sealed: '' }, { plugin: 'vault' }], unknown],
    [owner, `PUT ${integration}/ownership`, [{ owners: null, resourceOwner: null, state: 'active' }], unknown],
    [admin, 'POST /api/scim-tokens', [{ name: unique('x'), expiresInSeconds: 60, scopes: ['manage'] }], unknown],
  ]
  return rows.flatMap(([{ api }, use, bodies, expected]) => {
    const [method, path] = use.split(' ') as [Call['method'], string]
    return (bodies.length > 0 ? bodies : [undefined]).map((body) => ({
      name: `${use} with ${JSON.stringify(body)}`,
      api,
      call: { method, path, body },
      expected,
    }))
  })
}
