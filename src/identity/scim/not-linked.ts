import { record } from '../../audit/record.ts'
import { ScimRefusal } from '../../platform/http/scim-error.ts'
import { row, type Tx } from '../../platform/postgres/database.ts'

/** Why the one who signs in and the one SCIM describes stay two, and what somebody can do about it. */
const REMEDIES = {
  both_have_a_past:
    'disable the person to remove (PATCH /api/users/<id> with state disabled). The broker then merges the two; enable the one that stays',
  signs_in_as_another:
    'look at the claim that LATCHKEY_OIDC_SCIM_CLAIM names: two accounts of the provider have this person’s value',
  several_sign_ins:
    'look at the claim that LATCHKEY_OIDC_SCIM_CLAIM names: several accounts of the provider have this person’s value',
  provisioned_as_another: 'remove one of the two at the identity provider, or correct its externalId',
  looks_alike:
    'if they are one person, let the provider send as externalId the value of the claim that LATCHKEY_OIDC_SCIM_CLAIM names',
  claim_unknown: 'ask the person to sign in once; only then can the broker link them to a person of SCIM',
} as const
export type NotLinkedReason = keyof typeof REMEDIES

export interface NotLinkedFact {
  readonly reason: NotLinkedReason
  /** the other one of the two */
  readonly other: string | null
}

/** Written down once for two people and a reason, and told to admins. */
export async function noteNotLinked(tx: Tx, actor: string, subject: string, fact: NotLinkedFact): Promise<void> {
  const known = await row(
    tx,
    `select from audit_events where subject = $1 and kind = 'person.not_linked' and body::jsonb->>'reason' = $2
       and body::jsonb->>'other' is not distinct from $3 limit 1`,
    [subject, fact.reason, fact.other],
  )
  if (known) return
  await record(tx, { kind: 'person.not_linked', actor, subject, data: { ...fact, fix: REMEDIES[fact.reason] } })
}

/** SCIM is told, as `uniqueness`, and the audit trail as well. */
export class NotLinked extends ScimRefusal {
  constructor(readonly fact: NotLinkedFact & { readonly other: string }) {
    super('uniqueness', 'the person who signs in with this externalId is a different person here', {
      field: 'externalId',
      fix: REMEDIES[fact.reason],
    })
  }
}

/** Who signs in first by a new externalId would be this person, with all that they were given here. */
export class NeverSignedIn extends ScimRefusal {
  constructor() {
    super(
      'mutability',
      'this person never signed in, and has a role, a group or a place in an access flow here, which nobody else is to get by signing in',
      {
        field: 'externalId',
        fix: 'have the person sign in before it is changed, or an admin take away what they were given and give it again afterwards',
      },
    )
  }
}
