import { catalogEntry, catalogList, minimumPolicyQuestion, pluginId, policyAdvice } from '../catalog.ts'
import { endpoint } from './endpoint.ts'

export const catalog = {
  list: endpoint({
    method: 'GET',
    path: '/api/catalog',
    tag: 'catalog',
    allowed: { scope: 'read' },
    answers: { 200: catalogList },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/catalog/:plugin',
    tag: 'catalog',
    allowed: { scope: 'read' },
    params: { plugin: pluginId },
    answers: { 200: catalogEntry },
  }),
  minimumPolicy: endpoint({
    method: 'POST',
    path: '/api/catalog/:plugin/minimum-policy',
    tag: 'catalog',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { plugin: pluginId },
    body: minimumPolicyQuestion,
    answers: { 200: policyAdvice },
  }),
}
