import { id } from '../id.ts'
import { proposalView } from '../proposals.ts'
import {
  changedRotation,
  dueRotations,
  newRotation,
  rotationDone,
  rotationPage,
  rotationQuery,
  rotationTurnPage,
  rotationTurnQuery,
  rotationView,
  runRotation,
} from '../rotations.ts'
import { endpoint } from './endpoint.ts'

const SEERS = { scope: 'read', roles: ['admin', 'owner', 'auditor'] } as const
const KEEPERS = { scope: 'manage', roles: ['admin'] } as const

export const rotations = {
  create: endpoint({
    method: 'POST',
    path: '/api/rotations',
    tag: 'rotations',
    allowed: { ...KEEPERS, own: true },
    body: newRotation,
    answers: { 201: rotationView, 202: proposalView },
  }),
  list: endpoint({
    method: 'GET',
    path: '/api/rotations',
    tag: 'rotations',
    allowed: SEERS,
    query: rotationQuery,
    answers: { 200: rotationPage },
  }),
  due: endpoint({
    method: 'GET',
    path: '/api/rotations/due',
    tag: 'rotations',
    allowed: SEERS,
    about: 'what is overdue and what comes next, at most 200',
    answers: { 200: dueRotations },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/rotations/:id',
    tag: 'rotations',
    allowed: SEERS,
    params: { id: id('rot') },
    answers: { 200: rotationView },
  }),
  turns: endpoint({
    method: 'GET',
    path: '/api/rotations/:id/turns',
    tag: 'rotations',
    allowed: SEERS,
    about: 'its history, latest first',
    params: { id: id('rot') },
    query: rotationTurnQuery,
    answers: { 200: rotationTurnPage },
  }),
  change: endpoint({
    method: 'PATCH',
    path: '/api/rotations/:id',
    tag: 'rotations',
    allowed: { ...KEEPERS, own: true },
    params: { id: id('rot') },
    body: changedRotation,
    answers: { 200: rotationView, 202: proposalView },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: '/api/rotations/:id',
    tag: 'rotations',
    allowed: { ...KEEPERS, own: true },
    about: 'its runs and its history stay',
    params: { id: id('rot') },
    answers: { 200: rotationView, 202: proposalView },
  }),
  run: endpoint({
    method: 'POST',
    path: '/api/rotations/:id/run',
    tag: 'rotations',
    allowed: { ...KEEPERS, own: true },
    about: 'makes a run now, whether it is due or not; its schedule goes on',
    params: { id: id('rot') },
    body: runRotation,
    answers: { 202: rotationView },
  }),
  done: endpoint({
    method: 'POST',
    path: '/api/rotations/:id/done',
    tag: 'rotations',
    allowed: { scope: 'manage', roles: ['admin', 'owner'] },
    about: 'marks a reminder as done by hand',
    params: { id: id('rot') },
    body: rotationDone,
    answers: { 200: rotationView },
  }),
}
