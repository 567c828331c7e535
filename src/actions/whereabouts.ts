import type { Connection } from '../integrations/connections/connections.ts'
import { deadline } from '../platform/pacing/deadline.ts'
import type { Tx } from '../platform/postgres/database.ts'
import { BrokerError, type TargetIdentity } from '../sdk/index.ts'
import type { HeldRun } from './action-run.ts'
import { targetsOf } from './run-facts.ts'

const PATIENCE_MS = 20_000

/** Which system answers through this connection now; undefined for a plugin that cannot tell. */
export async function whoAnswers(connection: Connection, signal = deadline(PATIENCE_MS)): Promise<TargetIdentity | undefined> {
  return connection.plugin.identify?.(connection.client, signal)
}

/** Whether what was recorded is still told. A run from before identities were recorded is taken to be where its integration is. */
export function isSameTarget(recorded: TargetIdentity | undefined, now: TargetIdentity | undefined): boolean {
  return Object.entries(recorded ?? {}).every(([fact, value]) => now?.[fact] === value)
}

/** Refuses to act on, or to prove something of, another system than the one that the run was made in. */
export function mustBeSameTarget(run: Pick<HeldRun, 'id' | 'target'>, now: TargetIdentity | undefined): void {
  if (isSameTarget(run.target, now)) return
  throw new BrokerError(
    'target.moved',
    `a different system answers than the one in which ${run.id} was done: that was ${inWords(run.target)}, this is ${inWords(now)}`,
    { fix: 'point the integration’s address to the former system again; the broker proves nothing on another one' },
  )
}

/** The same for one run that is only known by its id. */
export async function mustAnswer(tx: Tx, connection: Connection, runId: string): Promise<void> {
  const target = (await targetsOf(tx, [runId])).get(runId)
  mustBeSameTarget({ id: runId, target }, await whoAnswers(connection))
}

function inWords(identity: TargetIdentity | undefined): string {
  return (
    Object.entries(identity ?? {})
      .map(([fact, value]) => `${fact} ${value}`)
      .join(', ') || 'unknown'
  )
}
