import { Database, row, type Tx } from '../../platform/postgres/database.ts'
import type { DiscoveryPage } from '../../sdk/index.ts'
import { type DiscoveryRun, lost, type Vanished } from './discovery-run.ts'

const CHECKPOINT_MS = 2_000
const MOST_NOTES = 100

/** How far one run has come, in memory, and now and then in its row: what a crash loses is read again. */
export class Progress {
  readonly frontier: Set<string>
  /** folders with stored resources that were not met yet */
  readonly unvisited: Set<string>
  readonly vanished: string[]
  phase: DiscoveryRun['phase']
  detailCursor: string | null
  private folders: number
  private found: number
  private readonly unreadable: { folder: string; reason: string }[]
  private readonly notices: string[]
  /** rows written by this process */
  written = 0
  private fence: string
  private savedAt = performance.now()

  /** @param known folders that held something when this process took the run over */
  constructor(
    private readonly database: Database,
    readonly run: DiscoveryRun,
    readonly known: ReadonlySet<string>,
  ) {
    const before: Vanished = 'ids' in run.vanished ? run.vanished : { ids: [], folders: [...known] }
    this.frontier = new Set(run.frontier)
    this.unvisited = new Set(before.folders)
    this.vanished = [...before.ids]
    this.phase = run.phase
    this.detailCursor = run.detailCursor
    this.folders = run.folders
    this.found = run.found
    this.unreadable = [...run.unreadable]
    this.notices = [...run.notices]
    this.fence = run.fence
  }

  /** Nothing was left out, so what was not seen is not there. */
  get isComplete(): boolean {
    return this.frontier.size === 0 && this.unreadable.length === 0
  }

  /** A page was read and what it changed is written. */
  passed({ folder, folders, resources, unreadable, notices = [] }: DiscoveryPage): void {
    this.frontier.delete(folder)
    this.folders += 1
    this.found += resources.length
    for (const notice of notices) this.notice(notice)
    if (unreadable !== undefined && this.unreadable.length < MOST_NOTES) this.unreadable.push({ folder, reason: unreadable })
    if (unreadable !== undefined) return
    this.unvisited.delete(folder)
    for (const below of folders) this.frontier.add(below)
  }

  notice(text: string): void {
    if (this.notices.length < MOST_NOTES && !this.notices.includes(text)) this.notices.push(text)
  }

  /** Throws when the run is no longer ours: the transaction around it must not be committed. */
  async count(tx: Tx, counts: { added?: number; changed?: number; returned?: number; gone?: number }): Promise<void> {
    const { added = 0, changed = 0, returned = 0, gone = 0 } = counts
    const ours = await row(
      tx,
      `update discovery_runs set added = added + $3, changed = changed + $4, returned = returned + $5, gone = gone + $6
       where id = $1 and state = 'running' and checkpoint_at = $2::timestamptz returning 1`,
      [this.run.id, this.fence, added, changed, returned, gone],
    )
    if (!ours) throw lost(this.run)
    this.written += added + changed + returned + gone
  }

  async save(when: 'now' | 'if due' = 'if due'): Promise<void> {
    if (when === 'if due' && performance.now() - this.savedAt < CHECKPOINT_MS) return
    const vanished: Vanished = { ids: this.vanished, folders: [...this.unvisited] }
    const saved = await row<{ fence: string }>(
      this.database.pool,
      `update discovery_runs set phase = $3, frontier = $4, vanished = $5, detail_cursor = $6, folders = $7, found = $8, unreadable = $9,
         notices = $10, checkpoint_at = clock_timestamp()
       where id = $1 and state = 'running' and checkpoint_at = $2::timestamptz returning checkpoint_at::text as fence`,
      [
        this.run.id,
        this.fence,
        this.phase,
        JSON.stringify([...this.frontier]),
        JSON.stringify(vanished),
        this.detailCursor,
        this.folders,
        this.found,
        JSON.stringify(this.unreadable),
        JSON.stringify(this.notices),
      ],
    )
    if (!saved) throw lost(this.run)
    this.fence = saved.fence
    this.savedAt = performance.now()
  }
}
