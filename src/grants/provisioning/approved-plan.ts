import { isDeepStrictEqual } from 'node:util'
import { keptPlan } from '../../approvals/requests/request.ts'
import type { Tx } from '../../platform/postgres/database.ts'
import { BrokerError, type GrantAccessAction, type GrantInput, type Step } from '../../sdk/index.ts'
import type { Grant } from '../grant.ts'

type Action = GrantAccessAction<unknown, GrantInput, Step>

/**
 * Refuses a plan that would do more than, or other than, the one that was kept with the request and shown to its approvers: plugin,
 * target and settings may have changed since. A request whose target could not be asked has none; its approvers saw what was asked for.
 */
export async function mustBeAsApproved(
  tx: Pick<Tx, 'query'>,
  action: Pick<Action, 'exceeds'>,
  { requestId }: Grant,
  planned: readonly Step[],
): Promise<void> {
  const kept = await keptPlan(tx, requestId)
  if (!kept) return
  const excess = action.exceeds ? action.exceeds(kept, planned) : anyDifference(kept, planned)
  if (excess === undefined) return
  throw new BrokerError('access.plan_changed', `it would not be what was approved: ${excess}`, {
    fix: 'ask again: approvers then see what would be done now',
  })
}

/** Sentences for people may be worded anew; everything else counts, in whichever order its keys stand. */
function anyDifference(approved: readonly Step[], planned: readonly Step[]): string | undefined {
  if (approved.length !== planned.length) return `${planned.length} steps and not ${approved.length}`
  const other = planned.find((step, i) => !isDeepStrictEqual(asStored(step), asStored(approved[i]!)))
  return other && `${other.kind} ${other.target}`
}

function asStored({ kind, target, args }: Step): unknown {
  return JSON.parse(JSON.stringify({ kind, target, args }))
}
