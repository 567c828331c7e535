import { id } from '../id.ts'
import { proposalView } from '../proposals.ts'
import {
  actionName,
  changeReceipt,
  newRun,
  offeredActions,
  previewRun,
  rollbackPreview,
  runPage,
  runPreview,
  runQuery,
  runRollback,
  runSteps,
  runView,
} from '../runs.ts'
import { endpoint } from './endpoint.ts'

const SEERS = { scope: 'read', roles: ['admin', 'owner', 'auditor'] } as const
const RUNNERS = { scope: 'manage', roles: ['admin'] } as const

export const runs = {
  actions: endpoint({
    method: 'GET',
    path: '/api/integrations/:id/actions',
    tag: 'runs',
    allowed: SEERS,
    about: 'the actions of this integration, without the granting of access',
    params: { id: id('int') },
    answers: { 200: offeredActions },
  }),
  preview: endpoint({
    method: 'POST',
    path: '/api/integrations/:id/actions/:action/preview',
    tag: 'runs',
    allowed: RUNNERS,
    about: 'shows every step, what is there now, the risk and whether it can be undone; does nothing',
    params: { id: id('int'), action: actionName },
    body: previewRun,
    answers: { 200: runPreview },
  }),
  order: endpoint({
    method: 'POST',
    path: '/api/runs',
    tag: 'runs',
    allowed: { ...RUNNERS, own: true },
    body: newRun,
    answers: { 201: runView, 202: proposalView },
  }),
  list: endpoint({ method: 'GET', path: '/api/runs', tag: 'runs', allowed: SEERS, query: runQuery, answers: { 200: runPage } }),
  get: endpoint({
    method: 'GET',
    path: '/api/runs/:id',
    tag: 'runs',
    allowed: { scope: 'read' },
    params: { id: id('run') },
    answers: { 200: runView },
  }),
  steps: endpoint({
    method: 'GET',
    path: '/api/runs/:id/steps',
    tag: 'runs',
    allowed: { scope: 'read' },
    params: { id: id('run') },
    answers: { 200: runSteps },
  }),
  receipt: endpoint({
    method: 'GET',
    path: '/api/runs/:id/receipt',
    tag: 'runs',
    allowed: { scope: 'read' },
    about: 'what it changed, and how that was read back',
    params: { id: id('run') },
    answers: { 200: changeReceipt },
  }),
  cancel: endpoint({
    method: 'POST',
    path: '/api/runs/:id/cancel',
    tag: 'runs',
    allowed: RUNNERS,
    about: 'stops it between two steps; what was done is undone where that is possible',
    params: { id: id('run') },
    answers: { 202: runView },
  }),
  rollbackPreview: endpoint({
    method: 'GET',
    path: '/api/runs/:id/rollback',
    tag: 'runs',
    allowed: SEERS,
    about: 'whether it can be undone now; the target is asked',
    params: { id: id('run') },
    answers: { 200: rollbackPreview },
  }),
  rollBack: endpoint({
    method: 'POST',
    path: '/api/runs/:id/rollback',
    tag: 'runs',
    allowed: { ...RUNNERS, own: true },
    params: { id: id('run') },
    body: runRollback,
    answers: { 200: runView, 202: proposalView },
  }),
}
