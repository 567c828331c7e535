import { policyAdvice } from '../catalog.ts'
import { endAccess, endedAccess, sweepQuery, sweepReport, writeOff, writtenOffGrants } from '../grants.ts'
import { id } from '../id.ts'
import {
  discoveryRun,
  discoveryRunPage,
  healthReport,
  integration,
  integrationChange,
  integrationPage,
  integrationTest,
  listQuery,
  newIntegration,
  resource,
  resourcePage,
  resourceQuery,
} from '../integrations.ts'
import { resourceOffers } from '../offers.ts'
import { ownership } from '../ownership.ts'
import { proposalView } from '../proposals.ts'
import { removal } from '../removals.ts'
import { endpoint } from './endpoint.ts'

export const resources = {
  search: endpoint({
    method: 'GET',
    path: '/api/resources',
    tag: 'resources',
    allowed: { scope: 'read' },
    query: resourceQuery,
    answers: { 200: resourcePage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/resources/:id',
    tag: 'resources',
    allowed: { scope: 'read' },
    params: { id: id('res') },
    answers: { 200: resource },
  }),
  offers: endpoint({
    method: 'GET',
    path: '/api/resources/:id/offers',
    tag: 'resources',
    allowed: { scope: 'read' },
    about: 'what the caller may ask for on it',
    params: { id: id('res') },
    answers: { 200: resourceOffers },
  }),
}

export const writingOff = {
  order: endpoint({
    method: 'POST',
    path: '/api/integrations/:id/write-off',
    tag: 'integrations',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('int') },
    body: writeOff,
    answers: { 200: writtenOffGrants, 202: proposalView },
  }),
}

export const accessEnding = {
  end: endpoint({
    method: 'POST',
    path: '/api/integrations/:id/end-access',
    tag: 'integrations',
    allowed: { scope: 'manage', roles: ['admin', 'owner'] },
    params: { id: id('int') },
    body: endAccess,
    answers: { 202: endedAccess },
  }),
}

export const sweeps = {
  run: endpoint({
    method: 'POST',
    path: '/api/integrations/:id/sweep',
    tag: 'integrations',
    allowed: { scope: 'manage', roles: ['admin', 'owner'] },
    params: { id: id('int') },
    query: sweepQuery,
    answers: { 200: sweepReport },
  }),
}

export const discovery = {
  start: endpoint({
    method: 'POST',
    path: '/api/integrations/:id/sync',
    tag: 'integrations',
    allowed: { scope: 'manage', roles: ['admin', 'owner'] },
    params: { id: id('int') },
    answers: { 200: discoveryRun, 202: discoveryRun },
  }),
  latest: endpoint({
    method: 'GET',
    path: '/api/integrations/:id/sync',
    tag: 'integrations',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    params: { id: id('int') },
    answers: { 200: discoveryRun },
  }),
  list: endpoint({
    method: 'GET',
    path: '/api/integrations/:id/syncs',
    tag: 'integrations',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    params: { id: id('int') },
    query: listQuery,
    answers: { 200: discoveryRunPage },
  }),
}

export const integrations = {
  list: endpoint({
    method: 'GET',
    path: '/api/integrations',
    tag: 'integrations',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    query: listQuery,
    answers: { 200: integrationPage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/integrations/:id',
    tag: 'integrations',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    params: { id: id('int') },
    answers: { 200: integration },
  }),
  minimumPolicy: endpoint({
    method: 'GET',
    path: '/api/integrations/:id/minimum-policy',
    tag: 'integrations',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('int') },
    answers: { 200: policyAdvice },
  }),
  create: endpoint({
    method: 'POST',
    path: '/api/integrations',
    tag: 'integrations',
    allowed: { scope: 'manage', roles: ['admin'] },
    body: newIntegration,
    answers: { 201: integration, 202: proposalView },
  }),
  test: endpoint({
    method: 'POST',
    path: '/api/integrations/test',
    tag: 'integrations',
    allowed: { scope: 'manage', roles: ['admin'] },
    body: integrationTest,
    answers: { 200: healthReport },
  }),
  change: endpoint({
    method: 'PATCH',
    path: '/api/integrations/:id',
    tag: 'integrations',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('int') },
    body: integrationChange,
    answers: { 200: integration, 202: proposalView },
  }),
  check: endpoint({
    method: 'POST',
    path: '/api/integrations/:id/health',
    tag: 'integrations',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('int') },
    answers: { 200: healthReport },
  }),
  pause: endpoint({
    method: 'POST',
    path: '/api/integrations/:id/pause',
    tag: 'integrations',
    allowed: { scope: 'manage', roles: ['admin'], fresh: false },
    params: { id: id('int') },
    answers: { 200: integration },
  }),
  resume: endpoint({
    method: 'POST',
    path: '/api/integrations/:id/resume',
    tag: 'integrations',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('int') },
    answers: { 200: integration },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: '/api/integrations/:id',
    tag: 'integrations',
    allowed: { scope: 'manage', roles: ['admin'] },
    about: 'refused (409) while something is left that can be taken back, unless `force` is said',
    params: { id: id('int') },
    query: removal,
    answers: { 202: proposalView, 204: null },
  }),
}

export const ownerships = {
  get: endpoint({
    method: 'GET',
    path: '/api/integrations/:id/ownership',
    tag: 'integrations',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    params: { id: id('int') },
    answers: { 200: ownership },
  }),
  set: endpoint({
    method: 'PUT',
    path: '/api/integrations/:id/ownership',
    tag: 'integrations',
    allowed: { scope: 'manage', roles: ['admin', 'owner'] },
    params: { id: id('int') },
    body: ownership,
    answers: { 200: ownership, 202: proposalView },
  }),
}
