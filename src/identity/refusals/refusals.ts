import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import { currentCall } from '../../platform/http/call.ts'
import { Database } from '../../platform/postgres/database.ts'
import { Budgets } from './budgets.ts'
import { reasonOf } from './refusal-reason.ts'
import { sourceOf } from './source.ts'

/** How somebody tried to get in, or on; each is written down apart. */
export type Road = 'callback' | 'bearer' | 'token' | 'scim' | 'logout_token' | 'confirmation' | 'enrolment' | 'call'

/** Of one source on one road, and of all sources of a road: so many at once, and so many more each minute. */
const OF_A_SOURCE = { most: 100, perMinute: 5 }
const OF_A_ROAD = { most: 400, perMinute: 20 }
const TOLD_EVERY_MS = 60_000

interface Untold {
  count: number
  readonly sources: Set<string>
}

/**
 * Writes down who was not let in, and why. Anybody can knock: of a flood its beginning is kept, and of the rest one row a minute with their
 * count. What one source or one road uses up leaves the others theirs.
 */
@Injectable()
export class Refusals implements BeforeApplicationShutdown {
  private readonly log = new Logger(Refusals.name)
  private readonly sources = new Budgets(OF_A_SOURCE)
  private readonly roads = new Budgets(OF_A_ROAD)
  private untold = new Map<Road, Untold>()
  private readonly timer: NodeJS.Timeout

  constructor(private readonly database: Database) {
    this.timer = setInterval(() => void this.tellTheRest(), TOLD_EVERY_MS).unref()
  }

  /** @param who where that is known: `usr_…` */
  async note(road: Road, error: unknown, who?: string, more: { readonly call?: string } = {}): Promise<void> {
    const source = who ?? sourceOf(currentCall().address)
    if (!this.sources.take(`${road} ${source}`) || !this.roads.take(road)) return this.count(road, source)
    await record(this.database.pool, {
      kind: kindOf(road),
      actor: who ?? 'somebody',
      subject: who ?? 'sign_in',
      data: { road, reason: reasonOf(error), ...more },
    })
  }

  /** What has not been written down yet is lost with a process that dies, and with no other. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer)
    await this.tellTheRest()
  }

  private count(road: Road, source: string): void {
    const untold = this.untold.get(road) ?? { count: 0, sources: new Set<string>() }
    if (untold.count === 0) this.log.warn({ road }, 'too many refusals to write each into the audit trail: the rest is counted')
    untold.count += 1
    if (untold.sources.size < MOST_SOURCES_NAMED) untold.sources.add(source)
    this.untold.set(road, untold)
  }

  private async tellTheRest(): Promise<void> {
    const untold = this.untold
    this.untold = new Map()
    const events = [...untold].map(([road, { count, sources }]) => ({
      kind: kindOf(road),
      actor: 'somebody',
      subject: 'sign_in',
      data: { road, reason: 'more_than_are_told_one_by_one', count, sources: [...sources] },
    }))
    try {
      await record(this.database.pool, ...events)
    } catch (error) {
      const counts = Object.fromEntries([...untold].map(([road, { count }]) => [road, count]))
      this.log.error({ error, counts }, 'refusals could not be written down')
    }
  }
}

const MOST_SOURCES_NAMED = 10

function kindOf(road: Road): 'call.refused' | 'sign_in.refused' {
  return road === 'call' ? 'call.refused' : 'sign_in.refused'
}
