import { newApproval } from '../approvals.ts'
import { bundlePage, bundleQuery, bundleView, newBundle } from '../bundles.ts'
import { changedFlow, flowPage, flowQuery, flowView, newFlow } from '../flows.ts'
import { id } from '../id.ts'
import { proposalView } from '../proposals.ts'
import { actionDryRun, dryRun, newActionRequest, newRequest, requestPage, requestQuery, requestView } from '../requests.ts'
import { closeReview, reviewPage, reviewQuery, reviewView } from '../reviews.ts'
import { newSimulation, simulation } from '../simulation.ts'
import { endpoint } from './endpoint.ts'

export const bundles = {
  create: endpoint({
    method: 'POST',
    path: '/api/bundles',
    tag: 'access',
    allowed: { scope: 'manage', roles: ['admin', 'owner'] },
    body: newBundle,
    answers: { 201: bundleView },
  }),
  list: endpoint({
    method: 'GET',
    path: '/api/bundles',
    tag: 'access',
    allowed: { scope: 'read' },
    query: bundleQuery,
    answers: { 200: bundlePage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/bundles/:id',
    tag: 'access',
    allowed: { scope: 'read' },
    params: { id: id('bnd') },
    answers: { 200: bundleView },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: '/api/bundles/:id',
    tag: 'access',
    allowed: { scope: 'manage', roles: ['admin', 'owner'] },
    params: { id: id('bnd') },
    answers: { 204: null },
  }),
}

export const reviews = {
  list: endpoint({
    method: 'GET',
    path: '/api/emergency-reviews',
    tag: 'access',
    allowed: { scope: 'read' },
    query: reviewQuery,
    answers: { 200: reviewPage },
  }),
  close: endpoint({
    method: 'POST',
    path: '/api/emergency-reviews/:id/close',
    tag: 'access',
    allowed: { scope: 'approve', fresh: true },
    params: { id: id('rev') },
    body: closeReview,
    answers: { 200: reviewView },
  }),
}

export const flows = {
  create: endpoint({
    method: 'POST',
    path: '/api/access-flows',
    tag: 'access',
    allowed: { scope: 'manage', roles: ['admin', 'owner'] },
    body: newFlow,
    answers: { 201: flowView, 202: proposalView },
  }),
  list: endpoint({
    method: 'GET',
    path: '/api/access-flows',
    tag: 'access',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    query: flowQuery,
    answers: { 200: flowPage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/access-flows/:id',
    tag: 'access',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    params: { id: id('flw') },
    answers: { 200: flowView },
  }),
  change: endpoint({
    method: 'PATCH',
    path: '/api/access-flows/:id',
    tag: 'access',
    allowed: { scope: 'manage', roles: ['admin', 'owner'] },
    params: { id: id('flw') },
    body: changedFlow,
    answers: { 200: flowView, 202: proposalView },
  }),
}

export const actionRequests = {
  submit: endpoint({
    method: 'POST',
    path: '/api/action-requests',
    tag: 'access',
    allowed: { scope: 'request' },
    about: 'asks for an action under an access flow; it runs as soon as it is approved',
    body: newActionRequest,
    answers: { 201: requestView },
  }),
  dryRun: endpoint({
    method: 'POST',
    path: '/api/action-requests/dry-run',
    tag: 'access',
    allowed: { scope: 'request' },
    body: newActionRequest,
    answers: { 200: actionDryRun },
  }),
}

export const requests = {
  submit: endpoint({
    method: 'POST',
    path: '/api/access-requests',
    tag: 'access',
    allowed: { scope: 'request' },
    body: newRequest,
    answers: { 201: requestView },
  }),
  dryRun: endpoint({
    method: 'POST',
    path: '/api/access-requests/dry-run',
    tag: 'access',
    allowed: { scope: 'request' },
    body: newRequest,
    answers: { 200: dryRun },
  }),
  list: endpoint({
    method: 'GET',
    path: '/api/access-requests',
    tag: 'access',
    allowed: { scope: 'read' },
    query: requestQuery,
    answers: { 200: requestPage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/access-requests/:id',
    tag: 'access',
    allowed: { scope: 'read' },
    params: { id: id('req') },
    answers: { 200: requestView },
  }),
  decide: endpoint({
    method: 'POST',
    path: '/api/access-requests/:id/approvals',
    tag: 'access',
    allowed: { scope: 'approve', fresh: true },
    params: { id: id('req') },
    body: newApproval,
    answers: { 200: requestView },
  }),
  cancel: endpoint({
    method: 'POST',
    path: '/api/access-requests/:id/cancel',
    tag: 'access',
    allowed: { scope: 'request' },
    params: { id: id('req') },
    answers: { 200: requestView },
  }),
}

export const simulator = {
  simulate: endpoint({
    method: 'POST',
    path: '/api/access-flows/simulate',
    tag: 'access',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    body: newSimulation,
    answers: { 200: simulation },
  }),
}
