import type { DiscoveryRunView } from '../../contract/integrations.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'

/** One look at everything an integration reaches, as its row has it. */
export interface DiscoveryRun {
  readonly id: string
  readonly integrationId: string
  readonly state: DiscoveryRunView['state']
  readonly phase: DiscoveryRunView['phase']
  /** folders still to be read, with everything below them */
  readonly frontier: readonly string[]
  readonly vanished: Vanished | readonly never[]
  readonly detailCursor: string | null
  readonly folders: number
  readonly found: number
  readonly added: number
  readonly changed: number
  readonly gone: number
  readonly returned: number
  readonly unreadable: DiscoveryRunView['unreadable']
  readonly notices: readonly string[]
  readonly error: DiscoveryRunView['error']
  readonly startedBy: string | null
  readonly startedAt: Date
  readonly endedAt: Date | null
  /** moved by the replica that works on the run; a statement that finds another one comes from a replica that lost it */
  readonly fence: string
}

/** What a complete walk would retire. */
export interface Vanished {
  /** resources that their folder no longer lists */
  readonly ids: readonly string[]
  /** folders with resources in them that this walk has not come to yet */
  readonly folders: readonly string[]
}

const COLUMNS = `id, integration_id as "integrationId", state, phase, frontier, vanished, detail_cursor as "detailCursor", folders, found, added,
  changed, gone, returned, unreadable, notices, error, started_by as "startedBy", started_at as "startedAt", ended_at as "endedAt",
  checkpoint_at::text as fence`

export function selectRuns(tx: Tx, where: string, values: readonly unknown[]): Promise<DiscoveryRun[]> {
  return rows(tx, `select ${COLUMNS} from discovery_runs where ${where}`, values)
}

/** The run under way, taken over by the caller: the former holder finds the fence moved. */
export async function takeOver(tx: Tx, integrationId: string): Promise<DiscoveryRun | undefined> {
  return row(
    tx,
    `update discovery_runs set checkpoint_at = clock_timestamp() where integration_id = $1 and state = 'running' returning ${COLUMNS}`,
    [integrationId],
  )
}

/** Ends what is under way; its walker finds out at its next checkpoint. */
export async function stopRunning(tx: Tx, integrationId: string, why: string): Promise<void> {
  await rows(
    tx,
    `update discovery_runs set state = 'failed', ended_at = clock_timestamp(), frontier = '[]', vanished = '[]', error = $2
     where integration_id = $1 and state = 'running'`,
    [integrationId, JSON.stringify({ code: 'conflict', message: why })],
  )
}

export function lost(run: Pick<DiscoveryRun, 'id'>): BrokerError {
  return new BrokerError('run.fenced', `${run.id} was stopped, or another replica goes on with it`)
}

export function viewOf(run: DiscoveryRun): DiscoveryRunView {
  const {
    frontier: _frontier,
    vanished: _vanished,
    detailCursor: _cursor,
    fence: _fence,
    startedAt,
    endedAt,
    notices,
    ...shown
  } = run
  return { ...shown, notices: [...notices], startedAt: startedAt.toISOString(), endedAt: endedAt?.toISOString() ?? null }
}
