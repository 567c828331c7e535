import { z } from 'zod'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { proposalView } from './proposals.ts'
import { name } from './text.ts'
import { durationSeconds, instant } from './time.ts'

/** What the identity provider brings people and groups with. It opens /scim/v2 and nothing else. */
export const scimToken = z
  .strictObject({
    id: id('sct'),
    name: z.string(),
    createdBy: id('usr').nullable(),
    parentId: id('tok').nullable().describe('the token it was made with, and ends with; null when it was made signed in'),
    makerLeft: z
      .boolean()
      .describe(
        'true: a person who has seen it is disabled, or no longer confirmed by the identity provider; it still works, so rotate it',
      ),
    createdAt: instant,
    expiresAt: instant,
    revokedAt: instant.nullable(),
    lastUsedAt: instant.nullable().describe('to the minute'),
  })
  .meta({ id: 'ScimToken' })
export type ScimTokenView = z.infer<typeof scimToken>
export const scimTokenPage = page(scimToken).meta({ id: 'ScimTokenPage' })

export const newScimToken = z.strictObject({ name: name(), expiresInSeconds: durationSeconds }).meta({ id: 'NewScimToken' })
export type NewScimToken = z.infer<typeof newScimToken>

export const mintedScimToken = z
  .strictObject({ ...scimToken.shape, token: z.string().describe('shown only now') })
  .meta({ id: 'MintedScimToken' })
export type MintedScimToken = z.infer<typeof mintedScimToken>

export const heldScimToken = z
  .strictObject({
    ...proposalView.shape,
    token: z.string().describe('shown only now; it works once the proposal is accepted'),
  })
  .meta({ id: 'HeldScimToken' })
export type HeldScimToken = z.infer<typeof heldScimToken>

export const scimTokenRotation = z
  .strictObject({
    expiresInSeconds: durationSeconds.describe('of the new token'),
    overlapSeconds: z
      .int()
      .min(0)
      .max(7 * 24 * 3600)
      .default(24 * 3600)
      .describe('how long the old token still works, never beyond its own end (default: a day)'),
  })
  .meta({ id: 'ScimTokenRotation' })
export type ScimTokenRotation = z.infer<typeof scimTokenRotation>

export const scimTokenQuery = z.strictObject(pageQuery)
export type ScimTokenQuery = z.infer<typeof scimTokenQuery>
