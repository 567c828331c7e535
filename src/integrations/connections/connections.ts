import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common'
import { Catalog } from '../../catalog/catalog.ts'
import { row, UrgentDatabase } from '../../platform/postgres/database.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import { type AnyPlugin, BrokerError, type SessionStatus } from '../../sdk/index.ts'
import { findConnected, type Integration } from '../integration.ts'
import { digestOf } from '../secrets/destination.ts'
import { Hosts } from '../secrets/hosts.ts'
import { loadConfig } from '../secrets/integration-config.ts'
import { within } from './within.ts'

/** A live client of one integration, as this replica has it. */
export interface Connection {
  readonly plugin: AnyPlugin
  readonly client: unknown
  /** as it was when the connection was made */
  readonly integration: Integration
}

interface Held extends Connection {
  /** when the row was last seen with this version, monotonic */
  seenAt: number
  /** when somebody last asked for it, by the same clock */
  usedAt: number
}

/** A change made through another replica is noticed after this long. */
const TRUSTED_MS = 1_000
/** What is under way with an outdated client may end with it. */
const GRACE_MS = 15_000
const CLOSE_MS = 5_000
/** Longer than any one thing that is done at a target. */
const IDLE_MS = 5 * 60_000

/** One client per integration, made when first needed and closed when its integration changes. */
@Injectable()
export class Connections implements OnApplicationShutdown {
  private readonly log = new Logger(Connections.name)
  private readonly held = new Map<string, Held>()
  private readonly opening = new Map<string, Promise<Held>>()
  private readonly leaving = new Map<Held, NodeJS.Timeout>()
  private readonly looks = new Map<Held, Promise<boolean>>()

  constructor(
    private readonly database: UrgentDatabase, // every end of access comes by here
    private readonly catalog: Catalog,
    private readonly sealer: Sealer,
    private readonly hosts: Hosts,
  ) {}

  /** Of a paused one, too: what ends access must always get through. A caller that begins something looks at `integration.state`. */
  async use(integrationId: string): Promise<Connection> {
    const held = this.held.get(integrationId)
    if (held) held.usedAt = performance.now()
    if (held && (performance.now() - held.seenAt < TRUSTED_MS || (await this.isCurrent(held)))) return held
    const underWay = this.opening.get(integrationId)
    if (underWay) return underWay
    const opening = this.open(integrationId).finally(() => this.opening.delete(integrationId))
    this.opening.set(integrationId, opening)
    return opening
  }

  /** What is open in this replica. */
  all(): readonly Connection[] {
    return [...this.held.values()]
  }

  /** How the broker's own session stands; null when this replica has none, or the plugin knows none. */
  session(integrationId: string): SessionStatus | null {
    const held = this.held.get(integrationId)
    return held?.plugin.session?.(held.client) ?? null
  }

  /** Lets go of a client whose integration changed. The next use makes another one. */
  drop(integrationId: string): void {
    const held = this.held.get(integrationId)
    if (!held) return
    this.held.delete(integrationId)
    const close = setTimeout(() => void this.close(held), GRACE_MS)
    this.leaving.set(held, close)
  }

  /** Lets go of what was changed, paused or removed through another replica, and of targets that another one has done with. */
  async dropOutdated(): Promise<void> {
    for (const held of this.held.values()) {
      const isIdle = held.integration.serves === 'distribution' && performance.now() - held.usedAt > IDLE_MS
      if (isIdle || !(await this.isCurrent(held))) this.drop(held.integration.id)
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.allSettled(this.opening.values())
    const all = [...this.held.values(), ...this.leaving.keys()]
    this.held.clear()
    await Promise.all(all.map((held) => this.close(held)))
  }

  /** One look for all who ask at the same moment. */
  private isCurrent(held: Held): Promise<boolean> {
    const look = this.looks.get(held) ?? this.look(held).finally(() => this.looks.delete(held))
    this.looks.set(held, look)
    return look
  }

  private async look(held: Held): Promise<boolean> {
    const now = await row<{ version: number }>(
      this.database.pool,
      `select version from integrations where id = $1 and state <> 'removed'`,
      [held.integration.id],
    )
    if (now?.version !== held.integration.version) return false
    held.seenAt = performance.now()
    return true
  }

  private async open(integrationId: string): Promise<Held> {
    const integration = await findConnected(this.database.pool, integrationId)
    const plugin = this.catalog.get(integration.plugin)
    const config = await loadConfig(this.sealer, plugin, integration)
    const client: unknown = await plugin.connect(
      config,
      this.hosts.for({ integrationId, destination: digestOf(plugin, integration.config) }),
    )
    const held = { plugin, client, integration, seenAt: performance.now(), usedAt: performance.now() }
    this.drop(integrationId)
    this.held.set(integrationId, held)
    return held
  }

  private async close(held: Held): Promise<void> {
    clearTimeout(this.leaving.get(held))
    this.leaving.delete(held)
    try {
      await within(CLOSE_MS, undefined, async () => held.plugin.close?.(held.client))
    } catch (error) {
      this.log.warn({ error, integration: held.integration.id }, 'a connection was not closed in order')
    }
  }
}

/** A connection to begin something with; refused while the integration is paused. */
export function mustBeActive({ integration }: Pick<Connection, 'integration'>): void {
  if (integration.state === 'active') return
  throw new BrokerError('conflict', whyInactive(integration), { fix: 'ask an admin to resume it' })
}

export const whyInactive = ({ name }: Pick<Connection['integration'], 'name'>): string => `${name} is paused`
