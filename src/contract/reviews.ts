import { z } from 'zod'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { person } from './people.ts'
import { text } from './text.ts'
import { instant } from './time.ts'

export const reviewView = z
  .strictObject({
    id: id('rev'),
    requestId: id('req'),
    requester: person,
    reason: z.string().describe('why the requester said it was an emergency'),
    openedAt: instant,
    closedAt: instant.nullable(),
    closedBy: id('usr').nullable(),
    note: z.string().nullable(),
  })
  .meta({ id: 'EmergencyReview' })
export type ReviewView = z.infer<typeof reviewView>
export const reviewPage = page(reviewView).meta({ id: 'EmergencyReviewPage' })
export const reviewQuery = z.strictObject({ ...pageQuery, state: z.enum(['open', 'closed']).optional() })
export type ReviewQuery = z.infer<typeof reviewQuery>

export const closeReview = z.strictObject({ note: text({ max: 2000 }) }).meta({ id: 'CloseEmergencyReview' })
