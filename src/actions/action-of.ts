import { actionsOf } from '../catalog/check-plugins.ts'
import type { Connection } from '../integrations/connections.ts'
import { issuesOf, wordsFor } from '../platform/http/input-issues.ts'
import { InvalidInput } from '../platform/http/input-pipe.ts'
import { type AnyAction, BrokerError, type GrantAccessAction, type GrantInput, type RunContext, type Step } from '../sdk/index.ts'

/** An action by the name that runs keep, as the plugin of this connection has it now. */
export function actionOf(connection: Connection, name: string): AnyAction<unknown> {
  const action = actionsOf(connection.plugin).find((each) => each.name === name)
  if (action) return action
  throw new BrokerError('target.unsupported', `${connection.plugin.manifest.name} has no action ${name}`, {
    field: 'action',
    fix: 'choose one of the actions that the catalog lists for this plugin',
  })
}

/** The one action a grant is made of. */
export function grantAccessOf(connection: Connection): GrantAccessAction<unknown, GrantInput, Step> {
  const action = connection.plugin.grantAccess
  if (!action) {
    throw new BrokerError('target.unsupported', `${connection.plugin.manifest.name} gives no access`, {
      fix: 'choose an integration whose plugin offers grant-access',
    })
  }
  return action
}

/** The steps of a use of an action. Its input is read by the action's own schema; one that it does not take is `input.invalid`. */
export async function planOf(
  connection: Connection,
  name: string,
  context: RunContext<unknown>,
  input: unknown,
): Promise<Step[]> {
  const action = actionOf(connection, name)
  const read = await action.input.safeParseAsync(input, { error: wordsFor })
  if (!read.success) throw new InvalidInput(issuesOf(read.error, ['input']))
  const steps: Step[] = await action.plan(context, read.data)
  if (action === connection.plugin.grantAccess) mustEndWithPower(steps, `${name} of ${connection.plugin.manifest.id}`)
  return steps
}

/** Access is powerless until its last step and from the first that is undone: a plan for which this is not so is a bug of the plugin. */
function mustEndWithPower(steps: readonly Step[], whose: string): void {
  const conferring = steps.filter((step) => step.confersPower)
  if (conferring.length === 1 && steps.at(-1)?.confersPower) return
  throw new TypeError(`${whose} must plan one step that confers power, as its last; it planned ${conferring.length}`)
}
