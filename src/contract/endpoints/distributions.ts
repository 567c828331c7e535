import {
  distributionCancel,
  distributionDryRun,
  distributionOutlook,
  distributionPage,
  distributionQuery,
  distributionRollback,
  distributionView,
  distributionWord,
  newDistribution,
  newDistributionDryRun,
} from '../distributions.ts'
import { id } from '../id.ts'
import { proposalView } from '../proposals.ts'
import { endpoint } from './endpoint.ts'

const SEERS = { scope: 'read', roles: ['admin', 'owner', 'auditor'] } as const
const RUNNERS = { scope: 'manage', roles: ['admin'] } as const

export const distributions = {
  order: endpoint({
    method: 'POST',
    path: '/api/distributions',
    tag: 'distribution',
    allowed: { ...RUNNERS, own: true },
    about: 'one run for each target; a failure at one target does not stop the others',
    body: newDistribution,
    answers: { 201: distributionView, 202: proposalView },
  }),
  dryRun: endpoint({
    method: 'POST',
    path: '/api/distributions/dry-run',
    tag: 'distribution',
    allowed: RUNNERS,
    about: 'what stands at each target now; the targets are asked, so many and so long, and nothing is written',
    body: newDistributionDryRun,
    answers: { 200: distributionDryRun },
  }),
  list: endpoint({
    method: 'GET',
    path: '/api/distributions',
    tag: 'distribution',
    allowed: SEERS,
    query: distributionQuery,
    answers: { 200: distributionPage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/distributions/:id',
    tag: 'distribution',
    allowed: SEERS,
    params: { id: id('dst') },
    answers: { 200: distributionView },
  }),
  resume: endpoint({
    method: 'POST',
    path: '/api/distributions/:id/resume',
    tag: 'distribution',
    allowed: { ...RUNNERS, own: true },
    about: 'sends it again to targets where it failed; targets that have it are left alone',
    params: { id: id('dst') },
    body: distributionWord,
    answers: { 202: distributionView },
  }),
  cancel: endpoint({
    method: 'POST',
    path: '/api/distributions/:id/cancel',
    tag: 'distribution',
    allowed: RUNNERS,
    about: 'starts no further target; what was written stays until it is rolled back',
    params: { id: id('dst') },
    body: distributionCancel,
    answers: { 202: distributionView },
  }),
  rollbackPreview: endpoint({
    method: 'GET',
    path: '/api/distributions/:id/rollback',
    tag: 'distribution',
    allowed: SEERS,
    about: 'whether each target can be put back now; the targets are asked',
    params: { id: id('dst') },
    answers: { 200: distributionOutlook },
  }),
  rollBack: endpoint({
    method: 'POST',
    path: '/api/distributions/:id/rollback',
    tag: 'distribution',
    allowed: { ...RUNNERS, own: true },
    params: { id: id('dst') },
    about: 'what another person has written there since is left alone, and that target says so',
    body: distributionRollback,
    answers: { 200: distributionView, 202: proposalView },
  }),
}
