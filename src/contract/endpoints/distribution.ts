import { policyAdvice } from '../catalog.ts'
import {
  certificateRenewal,
  certificateSourcePage,
  certificateSourceQuery,
  certificateSourceView,
  newCertificateSource,
} from '../certificate-sources.ts'
import { certificatePage, certificateQuery, certificateView, newCertificate } from '../certificates.ts'
import { id } from '../id.ts'
import { healthReport } from '../integrations.ts'
import { proposalView } from '../proposals.ts'
import { removal } from '../removals.ts'
import {
  credentialChange,
  credentialPage,
  credentialView,
  distributionListQuery,
  newCredential,
  newTarget,
  targetChange,
  targetPage,
  targetTest,
  targetView,
} from '../targets.ts'
import { endpoint } from './endpoint.ts'

const SEERS = { scope: 'read', roles: ['admin', 'owner', 'auditor'] } as const
const ADMINS = { scope: 'manage', roles: ['admin'] } as const

export const certificates = {
  create: endpoint({
    method: 'POST',
    path: '/api/certificates',
    tag: 'distribution',
    allowed: ADMINS,
    about: 'checked before it is kept; the private key is sealed and never shown again',
    body: newCertificate,
    answers: { 201: certificateView },
  }),
  list: endpoint({
    method: 'GET',
    path: '/api/certificates',
    tag: 'distribution',
    allowed: SEERS,
    about: 'those that expire first come first',
    query: certificateQuery,
    answers: { 200: certificatePage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/certificates/:id',
    tag: 'distribution',
    allowed: SEERS,
    params: { id: id('crt') },
    answers: { 200: certificateView },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: '/api/certificates/:id',
    tag: 'distribution',
    allowed: ADMINS,
    about: 'its private key is erased here; what was written to targets stays there',
    params: { id: id('crt') },
    answers: { 204: null },
  }),
}

export const certificateSources = {
  create: endpoint({
    method: 'POST',
    path: '/api/certificate-sources',
    tag: 'distribution',
    allowed: ADMINS,
    about: 'certificates that are pulled from a place or issued, renewed by themselves, and sent to targets',
    body: newCertificateSource,
    answers: { 201: certificateSourceView, 202: proposalView },
  }),
  list: endpoint({
    method: 'GET',
    path: '/api/certificate-sources',
    tag: 'distribution',
    allowed: SEERS,
    query: certificateSourceQuery,
    answers: { 200: certificateSourcePage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/certificate-sources/:id',
    tag: 'distribution',
    allowed: SEERS,
    params: { id: id('cso') },
    answers: { 200: certificateSourceView },
  }),
  renew: endpoint({
    method: 'POST',
    path: '/api/certificate-sources/:id/renew',
    tag: 'distribution',
    allowed: ADMINS,
    about: 'looks at the place, or has a new one issued, now; what is new goes to the targets that the source names',
    params: { id: id('cso') },
    body: certificateRenewal,
    answers: { 200: certificateSourceView },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: '/api/certificate-sources/:id',
    tag: 'distribution',
    allowed: ADMINS,
    about: 'nothing is renewed any more; its certificates stay',
    params: { id: id('cso') },
    answers: { 204: null },
  }),
}

export const targetCredentials = {
  create: endpoint({
    method: 'POST',
    path: '/api/target-credentials',
    tag: 'distribution',
    allowed: ADMINS,
    body: newCredential,
    answers: { 201: credentialView, 202: proposalView },
  }),
  list: endpoint({
    method: 'GET',
    path: '/api/target-credentials',
    tag: 'distribution',
    allowed: SEERS,
    query: distributionListQuery,
    answers: { 200: credentialPage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/target-credentials/:id',
    tag: 'distribution',
    allowed: SEERS,
    params: { id: id('crd') },
    answers: { 200: credentialView },
  }),
  change: endpoint({
    method: 'PATCH',
    path: '/api/target-credentials/:id',
    tag: 'distribution',
    allowed: ADMINS,
    about: 'its targets then log in with it; to change the destinations, send the secrets again',
    params: { id: id('crd') },
    body: credentialChange,
    answers: { 200: credentialView, 202: proposalView },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: '/api/target-credentials/:id',
    tag: 'distribution',
    allowed: ADMINS,
    about: 'refused while a target logs in with it',
    params: { id: id('crd') },
    answers: { 204: null },
  }),
}

export const targets = {
  create: endpoint({
    method: 'POST',
    path: '/api/targets',
    tag: 'distribution',
    allowed: ADMINS,
    about: 'tried before it is saved: the server, the login, the place, and every right with the line to add',
    body: newTarget,
    answers: { 201: targetView, 202: proposalView },
  }),
  test: endpoint({
    method: 'POST',
    path: '/api/targets/test',
    tag: 'distribution',
    allowed: ADMINS,
    about: 'the same checks; nothing is saved',
    body: targetTest,
    answers: { 200: healthReport },
  }),
  list: endpoint({
    method: 'GET',
    path: '/api/targets',
    tag: 'distribution',
    allowed: SEERS,
    query: distributionListQuery,
    answers: { 200: targetPage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/targets/:id',
    tag: 'distribution',
    allowed: SEERS,
    params: { id: id('tgt') },
    answers: { 200: targetView },
  }),
  minimumPolicy: endpoint({
    method: 'GET',
    path: '/api/targets/:id/minimum-policy',
    tag: 'distribution',
    allowed: ADMINS,
    params: { id: id('tgt') },
    answers: { 200: policyAdvice },
  }),
  change: endpoint({
    method: 'PATCH',
    path: '/api/targets/:id',
    tag: 'distribution',
    allowed: ADMINS,
    params: { id: id('tgt') },
    body: targetChange,
    answers: { 200: targetView, 202: proposalView },
  }),
  check: endpoint({
    method: 'POST',
    path: '/api/targets/:id/health',
    tag: 'distribution',
    allowed: ADMINS,
    params: { id: id('tgt') },
    answers: { 200: healthReport },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: '/api/targets/:id',
    tag: 'distribution',
    allowed: ADMINS,
    about:
      'what was written there stays and can no longer be rolled back from here; refused (409) while something is left that was not wanted, unless `force` is said',
    params: { id: id('tgt') },
    query: removal,
    answers: { 204: null },
  }),
}
