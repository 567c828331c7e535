import { z } from 'zod'
import {
  credentialView,
  extendGrant,
  grantPage,
  grantQuery,
  grantView,
  grantWait,
  openingView,
  reportGrant,
  revocationReceipt,
  revokeGrant,
  stepView,
} from '../grants.ts'
import { id } from '../id.ts'
import { requestView } from '../requests.ts'
import { endpoint } from './endpoint.ts'

export const extensions = {
  extend: endpoint({
    method: 'POST',
    path: '/api/grants/:id/extend',
    tag: 'grants',
    allowed: { scope: 'request' },
    params: { id: id('grt') },
    body: extendGrant,
    answers: { 201: requestView },
  }),
}

export const grants = {
  list: endpoint({
    method: 'GET',
    path: '/api/grants',
    tag: 'grants',
    allowed: { scope: 'read' },
    query: grantQuery,
    answers: { 200: grantPage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/grants/:id',
    tag: 'grants',
    allowed: { scope: 'read' },
    params: { id: id('grt') },
    query: grantWait,
    answers: { 200: grantView },
  }),
  steps: endpoint({
    method: 'GET',
    path: '/api/grants/:id/steps',
    tag: 'grants',
    allowed: { scope: 'read' },
    params: { id: id('grt') },
    answers: { 200: z.array(stepView) },
  }),
  receipt: endpoint({
    method: 'GET',
    path: '/api/grants/:id/receipt',
    tag: 'grants',
    allowed: { scope: 'read' },
    params: { id: id('grt') },
    answers: { 200: revocationReceipt },
  }),
  open: endpoint({
    method: 'POST',
    path: '/api/grants/:id/open',
    tag: 'grants',
    allowed: { scope: 'request', own: true },
    params: { id: id('grt') },
    answers: { 200: credentialView },
  }),
  credential: endpoint({
    method: 'GET',
    path: '/api/grants/:id/credential',
    tag: 'grants',
    allowed: { scope: 'read' },
    about: 'whether the latest delivery was opened; the target is asked',
    params: { id: id('grt') },
    answers: { 200: openingView },
  }),
  giveBack: endpoint({
    method: 'POST',
    path: '/api/grants/:id/give-back',
    tag: 'grants',
    allowed: { scope: 'request' },
    params: { id: id('grt') },
    answers: { 202: grantView },
  }),
  report: endpoint({
    method: 'POST',
    path: '/api/grants/:id/report',
    tag: 'grants',
    allowed: { scope: 'request' },
    params: { id: id('grt') },
    body: reportGrant,
    answers: { 202: grantView },
  }),
  revoke: endpoint({
    method: 'POST',
    path: '/api/grants/:id/revoke',
    tag: 'grants',
    allowed: { scope: 'approve' },
    params: { id: id('grt') },
    body: revokeGrant,
    answers: { 202: grantView },
  }),
}
