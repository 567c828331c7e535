import { differenceOf } from '../../actions/approved.ts'
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
  tx: Tx,
  action: Pick<Action, 'exceeds'>,
  { requestId }: Grant,
  planned: readonly Step[],
): Promise<void> {
  const kept = await keptPlan(tx, requestId)
  if (!kept) return
  const excess = action.exceeds ? action.exceeds(kept, planned) : differenceOf(kept, planned)
  if (excess === undefined) return
  throw new BrokerError('access.plan_changed', `it would differ from what was approved: ${excess}`, {
    fix: 'ask again; approvers then see what would be done now',
  })
}
