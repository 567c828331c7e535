import type { FlowInForce, Requester } from '../../src/access/rules/evaluate.ts'
import type { AskedResource } from '../../src/approvals/requests/request.ts'
import { type AccessRule, accessRule } from '../../src/contract/rules.ts'

/** An id as the wire takes it, for somebody whose number alone matters. */
export const userId = (number: number) => `usr_${String(number).padStart(26, '0')}` as const
export const groupId = (number: number) => `grp_${String(number).padStart(26, '0')}` as const

/** A rule that lets everybody read everything for an hour, but for what is said otherwise. */
export function rule(otherwise: Record<string, unknown> = {}): AccessRule {
  return accessRule.parse({
    requesters: { kind: 'everyone' },
    resources: [{}],
    permissions: { secret: ['read'] },
    maxSeconds: 3600,
    justification: 'optional',
    approval: { kind: 'automatic' },
    ...otherwise,
  })
}

export function flow(otherwise: Record<string, unknown> = {}, about: Partial<FlowInForce> = {}): FlowInForce {
  return { id: 'flw_1', name: 'reading', active: true, version: 1, integrationId: 'int_1', rule: rule(otherwise), ...about }
}

export function resource(about: Partial<AskedResource> = {}): AskedResource {
  return {
    id: 'res_1',
    type: 'secret',
    name: 'kv/app/db',
    tags: {},
    attributes: {},
    ungrantable: null,
    gone: false,
    integrationId: 'int_1',
    permissions: ['read'],
    ...about,
  }
}

export const ANN: Requester = { id: userId(1), groupIds: [groupId(1)], attributes: { department: 'Engineering' } }
