/**
 * What somebody's relation to a thing, and the state of the thing, decide about a call: written by hand, a row for a state (`*`: every
 * one) and a column for each relation. Everybody here has every scope.
 *
 * `self`: 403, nobody decides about their own. `404`: word for word what is said of a thing that is not there. `none`: 404 to
 * somebody who may see the thing, which has no such part or is not theirs.
 */
export interface Relations {
  readonly columns: string
  readonly states: readonly string[]
  /** by endpoint; a word behind it tells two uses of one endpoint apart */
  readonly calls: Readonly<Record<string, Readonly<Record<string, string>>>>
}

const DECIDE = {
  pending: '   self  404  404  200  404  404  404  404  404  404  404',
  approved: '  self  404  404  404  409  404  404  404  404  404  404', // where it stands now, others were asked
  rejected: '  self  404  404  409  404  404  404  404  404  404  404',
  cancelled: ' self  404  404  409  404  404  404  404  404  404  404',
  expired: '   self  404  404  409  404  404  404  404  404  404  404',
}

/** A request of three stages, which waits (or ended) in the second; an approved one went through the third. */
export const REQUESTS: Relations = {
  columns: 'requester past left waiting later integrationOwner stranger approver auditor owner admin',
  states: ['pending', 'approved', 'rejected', 'cancelled', 'expired'],
  calls: {
    'GET /api/access-requests/:id': { '*': '200 200 200 200 200 404 404 404 200 200 200' },
    'POST /api/access-requests/:id/approvals approve': DECIDE,
    'POST /api/access-requests/:id/approvals reject': DECIDE,
    'POST /api/access-requests/:id/cancel': {
      pending: '200 404 404 404 404 404 404 404 404 404 404',
      '*': '    409 404 404 404 404 404 404 404 404 404 404',
    },
  },
}

const SEEN = { '*': '200 200 200 404 404 404 404 200 200 200' }
const ENDED_BY_GRANTEE = {
  scheduled: '   202 404 404 404 404 404 404 404 404 404',
  provisioning: '202 404 404 404 404 404 404 404 404 404',
  active: '      202 404 404 404 404 404 404 404 404 404',
  '*': '         409 404 404 404 404 404 404 404 404 404',
}

/** `past` approved it, `left` did and may not any more, `unasked` might have and did not. */
export const GRANTS: Relations = {
  columns: 'grantee past left unasked integrationOwner stranger approver auditor owner admin',
  states: ['scheduled', 'provisioning', 'active', 'revoking', 'stuck', 'revoked', 'expired', 'failed'],
  calls: {
    'GET /api/grants/:id': SEEN,
    'GET /api/grants/:id/steps': SEEN,
    'GET /api/grants/:id/credential': SEEN,
    'GET /api/grants/:id/receipt': {
      revoked: SEEN['*'],
      expired: SEEN['*'],
      failed: SEEN['*'],
      '*': 'none none none 404 404 404 404 none none none',
    },
    'POST /api/grants/:id/open': {
      active: '200 404 404 404 404 404 404 404 404 404',
      '*': '   409 404 404 404 404 404 404 404 404 404',
    },
    'POST /api/grants/:id/extend': {
      active: '201 404 404 404 404 404 404 404 404 404',
      '*': '   409 404 404 404 404 404 404 404 404 404',
    },
    'POST /api/grants/:id/give-back': ENDED_BY_GRANTEE,
    'POST /api/grants/:id/report': ENDED_BY_GRANTEE,
    'POST /api/grants/:id/revoke': {
      scheduled: '   403 202 202 404 404 404 404 403 202 202',
      provisioning: '403 202 202 404 404 404 404 403 202 202',
      active: '      403 202 202 404 404 404 404 403 202 202',
      '*': '         403 409 409 404 404 404 404 403 409 409',
    },
  },
}

/** Of an emergency whose flow names reviewers. */
export const NAMED_REVIEWS: Relations = {
  columns: 'requester alerted reviewer stranger approver auditor owner admin',
  states: ['open', 'closed'],
  calls: {
    'POST /api/emergency-reviews/:id/close': {
      open: '  self 404 200 404 404 404 404 404',
      closed: 'self 404 409 404 404 404 404 404',
    },
  },
}

/** Of one whose flow names nobody. */
export const REVIEWS: Relations = {
  ...NAMED_REVIEWS,
  calls: {
    'POST /api/emergency-reviews/:id/close': {
      open: '  self 404 404 404 404 200 404 200',
      closed: 'self 404 404 404 404 409 404 409',
    },
  },
}

const PROPOSED = {
  columns: 'proposer admin owner auditor approver stranger',
  states: ['open', 'accepted', 'declined', 'withdrawn'],
}
const READ = { '*': '200 200 200 200 403 403' }
const WITHDRAWN = {
  open: '200 none none 403 403 403',
  '*': ' 409 none none 403 403 403',
}

export const FLOW_PROPOSALS: Relations = {
  ...PROPOSED,
  calls: {
    'GET /api/proposals/:id': READ,
    'POST /api/proposals/:id/accept': {
      open: 'self 200 200 403 403 403',
      '*': ' self 409 409 403 403 403',
    },
    'POST /api/proposals/:id/decline': {
      open: '200 200 200 403 403 403',
      '*': ' 409 409 409 403 403 403',
    },
    'POST /api/proposals/:id/withdraw': WITHDRAWN,
  },
}

export const INTEGRATION_PROPOSALS: Relations = {
  ...PROPOSED,
  calls: {
    'GET /api/proposals/:id': READ,
    'POST /api/proposals/:id/accept': {
      open: 'self 200 403 403 403 403',
      '*': ' self 409 403 403 403 403',
    },
    'POST /api/proposals/:id/decline': {
      open: '200 200 403 403 403 403',
      '*': ' 409 409 403 403 403 403',
    },
    'POST /api/proposals/:id/withdraw': WITHDRAWN,
  },
}

const OPERATED = {
  active: ' 403 403 403 403 200 200',
  paused: ' 403 403 403 403 200 200',
  removed: '403 403 403 403 404 404',
}
const ADMINISTERED = {
  active: ' 403 403 403 403 403 200',
  paused: ' 403 403 403 403 403 200',
  removed: '403 403 403 403 403 404',
}
const LOOKED_AT = {
  active: ' 403 403 403 200 200 200',
  paused: ' 403 403 403 200 200 200',
  removed: '403 403 403 404 404 404',
}

/** Who owns one answers for it and has no more rights in the broker than before. */
export const INTEGRATIONS: Relations = {
  columns: 'integrationOwner stranger approver auditor owner admin',
  states: ['active', 'paused', 'removed'],
  calls: {
    'GET /api/integrations/:id': LOOKED_AT,
    'GET /api/integrations/:id/sync': LOOKED_AT,
    'GET /api/integrations/:id/syncs': LOOKED_AT,
    'GET /api/integrations/:id/ownership': LOOKED_AT,
    'GET /api/integrations/:id/minimum-policy': ADMINISTERED,
    'PATCH /api/integrations/:id': ADMINISTERED,
    'POST /api/integrations/:id/health': ADMINISTERED,
    'POST /api/integrations/:id/pause': { ...ADMINISTERED, paused: '403 403 403 403 403 409' },
    'POST /api/integrations/:id/resume': { ...ADMINISTERED, active: '403 403 403 403 403 409' },
    'DELETE /api/integrations/:id': {
      active: ' 403 403 403 403 403 204',
      paused: ' 403 403 403 403 403 204',
      removed: '403 403 403 403 403 404',
    },
    'POST /api/integrations/:id/end-access': {
      ...OPERATED,
      active: '403 403 403 403 400 400',
      paused: '403 403 403 403 400 400',
    },
    'POST /api/integrations/:id/write-off': {
      ...ADMINISTERED,
      active: '403 403 403 403 403 400',
      paused: '403 403 403 403 403 400',
    },
    'POST /api/integrations/:id/sweep': OPERATED,
    'POST /api/integrations/:id/sync': { ...OPERATED, active: '403 403 403 403 202 202', paused: '403 403 403 403 409 409' },
    'PUT /api/integrations/:id/ownership': OPERATED,
  },
}

/** Of a token or a session: whose it is, an admin, and the others. */
const OWN = { columns: 'owner stranger approver auditor ownerRole admin' }
export const TOKENS: Relations = {
  ...OWN,
  states: ['live', 'expired', 'revoked'],
  calls: { 'DELETE /api/tokens/:id': { '*': '204 404 404 404 404 204' } },
}
export const SESSIONS: Relations = {
  ...OWN,
  states: ['live', 'expired'],
  calls: { 'DELETE /api/sessions/:id': { '*': '204 404 404 404 404 204' } },
}
