import { Injectable, Logger } from '@nestjs/common'
import { Interval } from '@nestjs/schedule'
import { Database } from '../../platform/postgres/database.ts'
import { Metrics } from '../../platform/watching/metrics.ts'
import { Readiness } from '../../platform/watching/readiness.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type Connection, Connections } from '../connections/connections.ts'
import { within } from '../connections/within.ts'
import { type Integration, selectIntegrations } from '../integration.ts'
import { SessionAlarm } from './session-alarm.ts'

const BEAT_MS = 5_000
const PATIENCE_MS = 30_000

/** Keeps the broker's own logins alive. Local work: every replica has its own. */
@Injectable()
export class TargetSessions {
  private readonly log = new Logger(TargetSessions.name)
  private readonly underWay = new Set<unknown>()
  private readonly lost = new Map<string, string>()

  constructor(
    private readonly database: Database,
    private readonly connections: Connections,
    private readonly readiness: Readiness,
    private readonly alarm: SessionAlarm,
    metrics: Metrics,
  ) {
    metrics.gauge('latchkey_integration_session_ok', 'whether this replica is logged in to the target: 1 or 0', () =>
      this.open().map((one) => [this.isLost(one) ? 0 : 1, { integration: one.integration.id }] as const),
    )
  }

  @Interval(BEAT_MS)
  async beat(): Promise<void> {
    try {
      await this.connections.dropOutdated()
      await this.forgetInactive()
    } catch (error) {
      this.log.warn({ error }, 'the database did not say which integrations changed')
    }
    await Promise.all(this.open().map((connection) => this.keep(connection)))
    await this.raise()
  }

  /** Targets of distribution are logged in to when something is sent there, and not kept. */
  private open(): readonly Connection[] {
    return this.connections.all().filter(({ integration }) => integration.serves === 'access')
  }

  /** Says once that a session was lost and once that it is back. */
  async keep(connection: Connection): Promise<void> {
    const { plugin, client } = connection
    // A renewal that a silent target keeps waiting ends late, and the token it is for may not.
    if (this.underWay.has(client)) return this.noteStatus(connection)
    this.underWay.add(client)
    try {
      await within(PATIENCE_MS, undefined, async (signal) => plugin.keepAlive?.(client, signal))
      const status = plugin.session?.(client)
      this.note(connection.integration, status?.ok === false ? status.detail : undefined)
    } catch (error) {
      if (!(error instanceof BrokerError))
        this.log.error({ error, integration: connection.integration.id }, 'keepAlive met a bug')
      this.note(connection.integration, error instanceof BrokerError ? error.message : 'the plugin met a fault of its own')
    } finally {
      this.underWay.delete(client)
    }
  }

  private noteStatus({ plugin, client, integration }: Connection): void {
    const status = plugin.session?.(client)
    if (status?.ok === false) this.note(integration, status.detail)
  }

  private isLost({ plugin, client, integration }: Connection): boolean {
    return this.lost.has(integration.id) || plugin.session?.(client)?.ok === false
  }

  /** How it stands with one integration; undefined when nothing is wrong. */
  note(integration: Pick<Integration, 'id' | 'name'>, trouble: string | undefined): void {
    const before = this.lost.get(integration.id)
    if (trouble === undefined) {
      this.lost.delete(integration.id)
      this.readiness.report(partOf(integration.id), { ok: true })
      if (before) this.log.log({ integration: integration.id }, `${integration.name} is back`)
      return
    }
    this.lost.set(integration.id, trouble)
    this.readiness.report(partOf(integration.id), { ok: false, detail: `${integration.name}: ${trouble}` })
    if (before !== trouble) this.log.warn({ integration: integration.id, trouble }, `${integration.name} has no session`)
  }

  private async raise(): Promise<void> {
    const kept = this.open().filter((one) => !this.isLost(one) && one.plugin.session?.(one.client).isUnused !== true)
    try {
      await this.alarm.look(
        this.lost,
        kept.map(({ integration }) => integration.id),
      )
    } catch (error) {
      this.log.warn({ error }, 'the database did not take down which sessions are lost')
    }
  }

  private async forgetInactive(): Promise<void> {
    if (this.lost.size === 0) return
    const active = await selectIntegrations(this.database.pool, `state = 'active' and id = any($1)`, [[...this.lost.keys()]])
    const ids = new Set(active.map(({ id }) => id))
    for (const id of this.lost.keys()) {
      if (ids.has(id)) continue
      this.lost.delete(id)
      this.readiness.forget(partOf(id))
    }
  }
}

function partOf(id: string): string {
  return `integration ${id}`
}
