import { id } from '../id.ts'
import { proposalPage, proposalQuery, proposalView } from '../proposals.ts'
import { endpoint } from './endpoint.ts'

export const proposals = {
  list: endpoint({
    method: 'GET',
    path: '/api/proposals',
    tag: 'proposals',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    query: proposalQuery,
    answers: { 200: proposalPage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/proposals/:id',
    tag: 'proposals',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    params: { id: id('prp') },
    answers: { 200: proposalView },
  }),
  accept: endpoint({
    method: 'POST',
    path: '/api/proposals/:id/accept',
    tag: 'proposals',
    allowed: { scope: 'manage', roles: ['admin', 'owner'], fresh: true },
    params: { id: id('prp') },
    answers: { 200: proposalView },
  }),
  decline: endpoint({
    method: 'POST',
    path: '/api/proposals/:id/decline',
    tag: 'proposals',
    allowed: { scope: 'manage', roles: ['admin', 'owner'] },
    params: { id: id('prp') },
    answers: { 200: proposalView },
  }),
  withdraw: endpoint({
    method: 'POST',
    path: '/api/proposals/:id/withdraw',
    tag: 'proposals',
    allowed: { scope: 'manage', roles: ['admin', 'owner'] },
    params: { id: id('prp') },
    answers: { 200: proposalView },
  }),
}
