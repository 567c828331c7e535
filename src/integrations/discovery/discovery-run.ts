import type { DataOf } from '../../audit/kinds.ts'
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
  await endRun(tx, { integrationId }, 'failed', { code: 'conflict', message: why })
}

/** The only update of a discovery run's state. Answers its counts; undefined when there was none to end. */
export async function endRun(
  tx: Tx,
  which: { readonly id: string } | { readonly integrationId: string },
  state: Exclude<DiscoveryRun['state'], 'running'>,
  error?: { readonly code: string; readonly message: string },
): Promise<Counts | undefined> {
  const [condition, value] = 'id' in which ? ['id = $1', which.id] : ['integration_id = $1', which.integrationId]
  const ended = await row<{ counts: Counts }>(
    tx,
    `update discovery_runs set state = $2, error = $3, frontier = '[]', vanished = '[]', ended_at = clock_timestamp()
     where ${condition} and state = 'running'
     returning jsonb_build_object('folders', folders, 'found', found, 'added', added, 'changed', changed, 'gone', gone,
       'returned', returned, 'unreadable', jsonb_array_length(unreadable)) as counts`,
    [value, state, error ? JSON.stringify(error) : null],
  )
  return ended?.counts
}

type Counts = Omit<DataOf<'discovery.completed'>, 'run' | 'error'>

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
