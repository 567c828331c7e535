import { SUBJECTS } from '../../src/audit/kinds/kind.ts'
import { isAuditKind, KINDS } from '../../src/audit/kinds.ts'
import { BODY } from '../../src/contract/id.ts'

export interface Recorded {
  readonly kind: string
  readonly actor: string
  readonly subject: string
  readonly body: string
}

const ACTOR = new RegExp(`^(broker|somebody|usr_${BODY}|scim:sct_${BODY})$`)

/** In what an event is another than its kind says: in its data, in its subject, in who did it. */
export function misfits(events: readonly Recorded[]): string[] {
  const found = events.flatMap((event) => wrongIn(event).map((what) => `${event.kind}: ${what} in ${JSON.stringify(event)}`))
  return found.slice(0, 5)
}

function wrongIn({ kind, actor, subject, body }: Recorded): string[] {
  if (!isAuditKind(kind)) return ['there is no such kind']
  const { data, subject: named } = KINDS[kind]
  const read = data.safeParse(JSON.parse(body))
  const issues = read.success ? [] : read.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`)
  const isNamed = SUBJECTS[named].some((prefix) => new RegExp(`^${prefix}_${BODY}$`).test(subject))
  if (!isNamed && !(named === 'somebody' && subject === 'sign_in')) issues.push(`the subject is not the id of ${named}`)
  if (!ACTOR.test(actor)) issues.push('the actor is nobody')
  return issues
}
