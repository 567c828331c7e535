import { z } from 'zod'
import { emailAddress } from '../../contract/email.ts'
import { name, text } from '../../contract/text.ts'
import { issuesOf, wordsFor } from '../../platform/http/input-issues.ts'
import { ScimRefusal } from '../../platform/http/scim-error.ts'

const line = (max = 256) => name({ max })

/** Told apart letter by letter, so nothing is trimmed. */
export const reference = text({ max: 255 }).regex(/^\P{Cc}*$/u, { error: 'contains a control character' })

export const email = z.strictObject({
  value: emailAddress,
  type: line(50).optional(),
  primary: z.boolean().optional(),
  display: line().optional(),
})

/** What SCIM says of somebody, as we keep it to tell it back. */
const scimPerson = z.strictObject({
  userName: line(),
  externalId: reference.optional(),
  active: z.boolean(),
  name: z
    .strictObject({
      formatted: line().optional(),
      familyName: line().optional(),
      givenName: line().optional(),
      middleName: line().optional(),
    })
    .optional(),
  displayName: line().optional(),
  title: line().optional(),
  userType: line().optional(),
  emails: z.array(email).max(20).optional(),
  employeeNumber: line().optional(),
  costCenter: line().optional(),
  organization: line().optional(),
  division: line().optional(),
  department: line().optional(),
  manager: reference.optional().describe('our id, or an externalId'),
})
export type ScimPerson = z.infer<typeof scimPerson>

/** Of the company's attributes: what conditions of access flows may ask about. */
export const COMPANY = ['employeeNumber', 'costCenter', 'organization', 'division', 'department'] as const
const ASKED_ABOUT = ['title', 'userType', ...COMPANY] as const

/** Throws `invalidValue` with the first attribute that cannot be kept. */
export function personOf(draft: Readonly<Record<string, unknown>>): ScimPerson {
  const result = scimPerson.safeParse(draft, { error: wordsFor })
  if (result.success) return result.data
  const [issue] = issuesOf(result.error)
  throw new ScimRefusal('invalidValue', `${issue?.field} ${issue?.message}`, { field: issue?.field })
}

/** The same person as everybody else in the broker sees them. */
export interface Derived {
  readonly name: string
  readonly email: string | null
  readonly attributes: Readonly<Record<string, string>>
}

export function derived(person: ScimPerson): Derived {
  const { displayName, name: parts, userName, emails = [] } = person
  const joined = [parts?.givenName, parts?.familyName].filter(Boolean).join(' ')
  return {
    name: displayName ?? parts?.formatted ?? (joined || userName),
    email: (emails.find((one) => one.primary) ?? emails[0])?.value ?? null,
    attributes: Object.fromEntries(ASKED_ABOUT.flatMap((key) => (person[key] === undefined ? [] : [[key, person[key]]]))),
  }
}
