import { isDeepStrictEqual } from 'node:util'
import { Injectable } from '@nestjs/common'
import type { Tx } from '../platform/postgres/database.ts'
import { type AnyPlugin, BrokerError } from '../sdk/index.ts'
import { within } from './connections/within.ts'
import { Inhabitants } from './inhabitants.ts'
import type { Integration } from './integration.ts'
import { digestOf } from './secrets/destination.ts'
import { Hosts } from './secrets/hosts.ts'

const PATIENCE_MS = 30_000
const CLOSE_MS = 5_000
const NAMED_AT_MOST = 5

/** Throws unless the system behind this client is the one where these grants live: each of them stands there as it was made. */
export type SameSystem = (
  at: { plugin: AnyPlugin; client: unknown; integration: Integration },
  grants: readonly string[],
) => Promise<void>

/** What lives in an integration's target stays reachable: the place is not changed under it. */
@Injectable()
export class Moves {
  private sameSystem: SameSystem | undefined

  constructor(
    private readonly hosts: Hosts,
    private readonly inhabitants: Inhabitants,
  ) {}

  /** Those who know what a grant looks like say how it is proved. */
  provedBy(sameSystem: SameSystem): void {
    this.sameSystem = sameSystem
  }

  /** Answers the grants that were found at the new place; `refuseOthers` looks once more when the change is written. */
  async check(
    tx: Tx,
    integration: Integration,
    plugin: AnyPlugin,
    config: unknown,
    clear: unknown,
  ): Promise<{ field: string; proved: readonly string[] } | undefined> {
    const moved = (keys: readonly string[] = []) =>
      keys.find((key) => !isDeepStrictEqual(at(integration.config, key), at(clear, key)))
    const [inside, system] = [moved(plugin.livesAt?.inside), moved(plugin.livesAt?.system)]
    const field = inside ?? system
    if (field === undefined) return undefined
    const living = await this.inhabitants.ids(tx, integration.id)
    if (living.length === 0) return { field, proved: [] }
    if (inside !== undefined || !this.sameSystem) throw inhabited(integration, field, living)
    const destination = digestOf(plugin, clear)
    const client: unknown = await plugin.connect(config, this.hosts.draft({ integrationId: integration.id, destination }))
    try {
      await within(PATIENCE_MS, undefined, async () => this.sameSystem?.({ plugin, client, integration }, living))
    } catch (error) {
      throw inhabited(integration, field, living, error)
    } finally {
      await within(CLOSE_MS, undefined, async () => plugin.close?.(client)).catch(() => undefined)
    }
    return { field, proved: living }
  }

  /** In the transaction of the change: what began to live there meanwhile was not looked for. */
  async refuseOthers(
    tx: Tx,
    integration: Integration,
    move: { field: string; proved: readonly string[] } | undefined,
  ): Promise<void> {
    if (!move) return
    const others = (await this.inhabitants.ids(tx, integration.id)).filter((id) => !move.proved.includes(id))
    if (others.length > 0) throw inhabited(integration, move.field, others)
  }
}

function inhabited({ name }: Integration, field: string, living: readonly string[], cause?: unknown): BrokerError {
  const named = living.slice(0, NAMED_AT_MOST).join(', ')
  const more = living.length > NAMED_AT_MOST ? ` and ${living.length - NAMED_AT_MOST} more` : ''
  const why = cause instanceof BrokerError ? `: ${cause.message}` : ''
  return new BrokerError(
    'conflict',
    `${name} cannot lead to another system while ${named}${more} live on the present one${why}`,
    {
      cause,
      field: `config.${field}`,
      fix: 'end them, and change the address when they are over. If it is another address of the same system, repeat this when every grant is active and that system answers',
    },
  )
}

function at(config: unknown, key: string): unknown {
  return typeof config === 'object' && config !== null ? (config as Record<string, unknown>)[key] : undefined
}
