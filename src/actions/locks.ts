import { rows, type Tx } from '../platform/postgres/database.ts'
import { BrokerError } from '../sdk/index.ts'
import type { HeldRun } from './action-run.ts'
import { fenced } from './transition.ts'

/**
 * Takes resources of an integration for a run, all of them or none; its own it may take again. They are let go when the run rests.
 * Throws `run.locked` while another run has one of them.
 */
export async function lockResources(tx: Tx, run: HeldRun, resources: readonly string[]): Promise<void> {
  const ours = await rows(tx, 'select 1 from action_runs where id = $1 and epoch = $2 for update', [run.id, run.epoch])
  if (ours.length === 0) throw fenced(run.id)
  await rows(
    tx,
    `insert into action_locks (integration_id, resource, run_id)
     select $1, resource, $3 from unnest($2::text[]) as resource order by resource
     on conflict do nothing`,
    [run.integrationId, [...new Set(resources)], run.id],
  )
  const [taken] = await rows<{ resource: string; runId: string }>(
    tx,
    `select resource, run_id as "runId" from action_locks
     where integration_id = $1 and resource = any($2) and run_id <> $3 order by resource limit 1`,
    [run.integrationId, resources, run.id],
  )
  if (!taken) return
  throw new BrokerError('run.locked', `${taken.resource} is being changed by ${taken.runId}`, {
    fix: 'wait until that run is over; if it fails, the broker undoes it by itself',
  })
}

/** A run that rests has let its resources go. Answers how many it still had: those of an older release, which could leave some. */
export async function letGoOfRested(tx: Tx): Promise<number> {
  const left = await rows(
    tx,
    `delete from action_locks l using action_runs r where r.id = l.run_id and r.state in ('executed', 'undone', 'failed')
     returning l.resource`,
  )
  return left.length
}
