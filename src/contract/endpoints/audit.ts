import { auditExportQuery, auditPage, auditQuery, auditVerdict } from '../audit.ts'
import { endpoint } from './endpoint.ts'

export const audit = {
  list: endpoint({
    method: 'GET',
    path: '/api/audit',
    tag: 'audit',
    allowed: { scope: 'audit', roles: ['admin', 'auditor'] },
    query: auditQuery,
    answers: { 200: auditPage },
  }),
  export: endpoint({
    method: 'GET',
    path: '/api/audit/export',
    tag: 'audit',
    allowed: { scope: 'audit', roles: ['admin', 'auditor'] },
    query: auditExportQuery,
    answers: {},
  }),
  verify: endpoint({
    method: 'POST',
    path: '/api/audit/verify',
    tag: 'audit',
    allowed: { scope: 'audit', roles: ['admin', 'auditor'] },
    answers: { 200: auditVerdict },
  }),
}
