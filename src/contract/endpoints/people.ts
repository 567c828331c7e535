import { enrolment, enrolmentCode, newEnrolmentCode } from '../enrolment.ts'
import { id } from '../id.ts'
import {
  changedUser,
  group,
  groupPage,
  groupQuery,
  groupWithMembers,
  me,
  mintedToken,
  newGroup,
  newToken,
  newUser,
  role,
  roleGroups,
  sessionPage,
  sessionQuery,
  tokenPage,
  tokenQuery,
  user,
  userChange,
  userDetails,
  userPage,
  userQuery,
} from '../identity.ts'
import { healthReport } from '../integrations.ts'
import { heldScimToken, mintedScimToken, newScimToken, scimTokenPage, scimTokenQuery, scimTokenRotation } from '../scim-tokens.ts'
import { endpoint } from './endpoint.ts'

export const scimTokens = {
  list: endpoint({
    method: 'GET',
    path: '/api/scim-tokens',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'] },
    query: scimTokenQuery,
    answers: { 200: scimTokenPage },
  }),
  create: endpoint({
    method: 'POST',
    path: '/api/scim-tokens',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'] },
    body: newScimToken,
    answers: { 201: mintedScimToken, 202: heldScimToken },
  }),
  rotate: endpoint({
    method: 'POST',
    path: '/api/scim-tokens/:id/rotate',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('sct') },
    body: scimTokenRotation,
    answers: { 201: mintedScimToken, 202: heldScimToken },
  }),
  revoke: endpoint({
    method: 'DELETE',
    path: '/api/scim-tokens/:id',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'], fresh: false },
    params: { id: id('sct') },
    answers: { 204: null },
  }),
}

export const groups = {
  list: endpoint({
    method: 'GET',
    path: '/api/groups',
    tag: 'people',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    query: groupQuery,
    answers: { 200: groupPage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/groups/:id',
    tag: 'people',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    params: { id: id('grp') },
    answers: { 200: groupWithMembers },
  }),
  create: endpoint({
    method: 'POST',
    path: '/api/groups',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'] },
    body: newGroup,
    answers: { 201: group },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: '/api/groups/:id',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('grp') },
    answers: { 204: null },
  }),
  add: endpoint({
    method: 'PUT',
    path: '/api/groups/:id/members/:userId',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('grp'), userId: id('usr') },
    answers: { 204: null },
  }),
  drop: endpoint({
    method: 'DELETE',
    path: '/api/groups/:id/members/:userId',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('grp'), userId: id('usr') },
    answers: { 204: null },
  }),
}

export const rolesOfGroups = {
  list: endpoint({
    method: 'GET',
    path: '/api/role-groups',
    tag: 'people',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    answers: { 200: roleGroups },
  }),
  add: endpoint({
    method: 'PUT',
    path: '/api/role-groups/:role/:groupId',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { role: role, groupId: id('grp') },
    answers: { 204: null },
  }),
  drop: endpoint({
    method: 'DELETE',
    path: '/api/role-groups/:role/:groupId',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { role: role, groupId: id('grp') },
    answers: { 204: null },
  }),
}

export const myself = {
  get: endpoint({
    method: 'GET',
    path: '/api/me',
    tag: 'people',
    allowed: { scope: 'read' },
    answers: { 200: me },
  }),
}

export const users = {
  list: endpoint({
    method: 'GET',
    path: '/api/users',
    tag: 'people',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    query: userQuery,
    answers: { 200: userPage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/users/:id',
    tag: 'people',
    allowed: { scope: 'read', roles: ['admin', 'owner', 'auditor'] },
    params: { id: id('usr') },
    answers: { 200: userDetails },
  }),
  create: endpoint({
    method: 'POST',
    path: '/api/users',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'] },
    body: newUser,
    answers: { 201: user },
  }),
  change: endpoint({
    method: 'PATCH',
    path: '/api/users/:id',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('usr') },
    body: userChange,
    answers: { 200: changedUser },
  }),
}

export const sessions = {
  list: endpoint({
    method: 'GET',
    path: '/api/sessions',
    tag: 'people',
    allowed: { scope: 'read' },
    query: sessionQuery,
    answers: { 200: sessionPage },
  }),
  end: endpoint({
    method: 'DELETE',
    path: '/api/sessions/:id',
    tag: 'people',
    allowed: { scope: 'read' },
    params: { id: id('ses') },
    answers: { 204: null },
  }),
  endAll: endpoint({
    method: 'DELETE',
    path: '/api/users/:id/sessions',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'], fresh: false },
    params: { id: id('usr') },
    answers: { 204: null },
  }),
}

export const providerCheck = {
  get: endpoint({
    method: 'GET',
    path: '/api/identity-provider/check',
    tag: 'sign-in',
    allowed: { scope: 'read', roles: ['admin'] },
    answers: { 200: healthReport },
  }),
}

export const enrolments = {
  create: endpoint({
    method: 'POST',
    path: '/api/users/:id/enrolment-code',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('usr') },
    body: newEnrolmentCode,
    answers: { 201: enrolmentCode },
  }),
  withdraw: endpoint({
    method: 'DELETE',
    path: '/api/users/:id/enrolment-code',
    tag: 'people',
    allowed: { scope: 'manage', roles: ['admin'], fresh: false },
    params: { id: id('usr') },
    answers: { 204: null },
  }),
  redeem: endpoint({
    method: 'POST',
    path: '/api/enrolments',
    tag: 'people',
    allowed: 'public',
    body: enrolment,
    answers: { 201: mintedToken },
  }),
}

export const tokens = {
  list: endpoint({
    method: 'GET',
    path: '/api/tokens',
    tag: 'tokens',
    allowed: { scope: 'read' },
    query: tokenQuery,
    answers: { 200: tokenPage },
  }),
  create: endpoint({
    method: 'POST',
    path: '/api/tokens',
    tag: 'tokens',
    allowed: { scope: 'manage', fresh: true },
    body: newToken,
    answers: { 201: mintedToken },
  }),
  revoke: endpoint({
    method: 'DELETE',
    path: '/api/tokens/:id',
    tag: 'tokens',
    allowed: { scope: 'read' },
    params: { id: id('tok') },
    answers: { 204: null },
  }),
}
