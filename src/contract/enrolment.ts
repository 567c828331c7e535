import { z } from 'zod'
import { id } from './id.ts'
import { name } from './text.ts'
import { durationSeconds, instant } from './time.ts'

const HOUR = 3600
const LONGEST = 7 * 24 * HOUR
const NINETY_DAYS = 90 * 24 * HOUR

export const newEnrolmentCode = z
  .strictObject({
    expiresInSeconds: durationSeconds
      .max(LONGEST, { error: `must be a whole number of seconds from 1 to ${LONGEST} (7 days)` })
      .default(HOUR),
  })
  .meta({ id: 'NewEnrolmentCode' })
export type NewEnrolmentCode = z.infer<typeof newEnrolmentCode>

export const enrolmentCode = z
  .strictObject({
    id: id('enr'),
    userId: id('usr'),
    expiresAt: instant,
    tokenEndsBy: instant
      .nullable()
      .describe(
        'when the token from this code ends at the latest: with the token that the code was made with, or 90 days after it is redeemed if an admin made it signed in',
      ),
    code: z.string().describe('shown only now, and good for one token'),
  })
  .meta({ id: 'EnrolmentCode' })
export type EnrolmentCode = z.infer<typeof enrolmentCode>

export const enrolment = z
  .strictObject({
    code: z.string().regex(/^lke_[0-9A-Za-z]{43}$/, { error: 'is not an enrolment code (lke_ and 43 characters)' }),
    name: name().default('enrolled'),
    expiresInSeconds: durationSeconds.default(NINETY_DAYS),
  })
  .meta({ id: 'Enrolment' })
export type Enrolment = z.infer<typeof enrolment>
