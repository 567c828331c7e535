import { z } from 'zod'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { accessRule } from './rules.ts'
import { name } from './text.ts'
import { instant } from './time.ts'

export const newFlow = z
  .strictObject({ name: name(), integrationId: id('int'), active: z.boolean().default(true), rule: accessRule })
  .meta({ id: 'NewAccessFlow' })
export type NewFlow = z.infer<typeof newFlow>

export const changedFlow = z
  .strictObject({
    name: name().optional(),
    active: z.boolean().optional(),
    rule: accessRule.optional(),
    version: z.int().min(1).optional(),
  })
  .meta({
    id: 'ChangedAccessFlow',
    description: 'a new rule makes a new version; with `version` the change is refused if another person changed the flow first',
  })
export type ChangedFlow = z.infer<typeof changedFlow>

export const flowView = z
  .strictObject({
    id: id('flw'),
    name: z.string(),
    integrationId: id('int'),
    active: z.boolean(),
    version: z.int(),
    rule: accessRule,
    createdAt: instant,
    changedAt: instant,
  })
  .meta({ id: 'AccessFlow' })
export type FlowView = z.infer<typeof flowView>
export const flowPage = page(flowView).meta({ id: 'AccessFlowPage' })
export const flowQuery = z.strictObject({ ...pageQuery, integration: id('int').optional() })
export type FlowQuery = z.infer<typeof flowQuery>
