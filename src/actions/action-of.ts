import type { Catalog } from '../catalog/catalog.ts'
import { actionsOf } from '../catalog/check-plugins.ts'
import type { Connection } from '../integrations/connections/connections.ts'
import { issuesOf, wordsFor } from '../platform/http/input-issues.ts'
import { InvalidInput } from '../platform/http/input-pipe.ts'
import {
  type AnyAction,
  BrokerError,
  type GrantAccessAction,
  type GrantInput,
  isReversible,
  type RunContext,
  type Step,
} from '../sdk/index.ts'

/** An action by the name that runs keep, as the plugin of this connection has it now. */
export function actionOf(connection: Pick<Connection, 'plugin'>, name: string): AnyAction<unknown> {
  const action = namedIn(connection.plugin, name)
  if (action) return action
  throw new BrokerError('target.unsupported', `${connection.plugin.manifest.name} has no action ${name}`, {
    field: 'action',
    fix: 'choose one of the actions that the catalog lists for this plugin',
  })
}

/** The same of runs that may be old: undefined where this broker has the plugin, or the plugin its action, no longer. */
export function knownAction(
  catalog: Pick<Catalog, 'find'>,
  { plugin, action }: { readonly plugin: string; readonly action: string },
): AnyAction<unknown> | undefined {
  const found = catalog.find(plugin)
  return found && namedIn(found, action)
}

function namedIn(plugin: Connection['plugin'], name: string): AnyAction<unknown> | undefined {
  return actionsOf(plugin).find((each) => each.name === name)
}

/** Whether the action of a run has an undo, and is there still. */
export function hasUndo(catalog: Pick<Catalog, 'find'>, run: { readonly plugin: string; readonly action: string }): boolean {
  const action = knownAction(catalog, run)
  return action !== undefined && isReversible(action)
}

/** The one action a grant is made of. */
export function grantAccessOf(connection: Connection): GrantAccessAction<unknown, GrantInput, Step> {
  const action = connection.plugin.grantAccess
  if (!action) {
    throw new BrokerError('target.unsupported', `${connection.plugin.manifest.name} cannot give access`, {
      fix: 'choose an integration whose plugin offers grant-access',
    })
  }
  return action
}

/** The input of an action as its own schema reads it; one that it does not take is `input.invalid`. */
export async function readInput(action: AnyAction<unknown>, input: unknown): Promise<unknown> {
  const read = await action.input.safeParseAsync(input, { error: wordsFor })
  if (!read.success) throw new InvalidInput(issuesOf(read.error, ['input']))
  return read.data
}

/** The steps of a use of an action; the input is one that was read. */
export async function planOf(
  connection: Connection,
  action: AnyAction<unknown>,
  context: RunContext<unknown>,
  input: unknown,
): Promise<Step[]> {
  const steps: Step[] = await action.plan(context, input)
  if (action === connection.plugin.grantAccess) mustEndWithPower(steps, `${action.name} of ${connection.plugin.manifest.id}`)
  return steps
}

/** Access is powerless until its last step and from the first that is undone: a plan for which this is not so is a bug of the plugin. */
function mustEndWithPower(steps: readonly Step[], whose: string): void {
  const conferring = steps.filter((step) => step.confersPower)
  if (conferring.length === 1 && steps.at(-1)?.confersPower) return
  throw new TypeError(`${whose} must plan one step that confers power, as its last; it planned ${conferring.length}`)
}
