import { z } from 'zod'
import { issuesOf, wordsFor } from '../../platform/http/input-issues.ts'
import { InvalidInput } from '../../platform/http/input-pipe.ts'
import type { Place, Sealer } from '../../platform/sealing/sealing.ts'
import { type AnyPlugin, BrokerError, isBrokerError, Secret } from '../../sdk/index.ts'
import type { Integration } from '../integration.ts'
import { type ClearedConfig, type PlacedSecret, putBackSecrets, takeOutSecrets } from './config-secrets.ts'
import { digestOf } from './destination.ts'

const placed = z.array(z.tuple([z.array(z.string()), z.string().transform((value) => new Secret(value))]))

/** What the plugin makes of what was typed; every offending field at once, never its value. */
export async function parseConfig(plugin: AnyPlugin, typed: unknown): Promise<unknown> {
  const read = await plugin.config.safeParseAsync(typed, { error: wordsFor })
  if (read.success) return read.data
  throw new InvalidInput(issuesOf(read.error, ['config']))
}

/** As its two columns keep it: the configuration without its secrets, and the secrets in one sealed text. */
export function sealConfig(
  sealer: Sealer,
  plugin: AnyPlugin,
  id: string,
  parsed: unknown,
): { clear: unknown; sealed: string | null } {
  const { clear, secrets } = takeOutSecrets(parsed)
  if (secrets.length === 0) return { clear, sealed: null }
  const text = JSON.stringify(secrets.map(([path, value]) => [path, value.reveal()]))
  return { clear, sealed: sealer.seal(text, boundPlace(id, digestOf(plugin, clear))) }
}

/** They open only for the destination that the configuration had when they were given. */
export function openSecrets(
  sealer: Sealer,
  plugin: AnyPlugin,
  { id, sealed, config }: Pick<Integration, 'id' | 'sealed' | 'config'>,
): readonly PlacedSecret[] {
  if (sealed === null) return []
  return placed.parse(JSON.parse(sealer.open(sealed, boundPlace(id, digestOf(plugin, config))).reveal()))
}

/** The same for a change, which may bring all of them along: what does not open any more can only be replaced. */
export function knownSecrets(sealer: Sealer, plugin: AnyPlugin, integration: Integration): readonly PlacedSecret[] {
  try {
    return openSecrets(sealer, plugin, integration)
  } catch (error) {
    if (isBrokerError(error, 'unavailable')) return []
    throw error
  }
}

/** The configuration for `connect`. It goes through the plugin's parser again, because the plugin may have learned since it was stored. */
export async function loadConfig(sealer: Sealer, plugin: AnyPlugin, integration: Integration): Promise<unknown> {
  const stored: ClearedConfig = { clear: integration.config, secrets: openSecrets(sealer, plugin, integration) }
  const read = await plugin.config.safeParseAsync(putBackSecrets(stored), { error: wordsFor })
  if (read.success) return read.data
  const [first] = issuesOf(read.error, ['config'])
  throw new BrokerError(
    'unavailable',
    `${integration.name} was configured for a different version of its plugin: ${first?.field} ${first?.message}`,
    {
      fix: 'open its configuration, correct that field, and save it again',
    },
  )
}

export function boundPlace(id: string, destination: string): Place {
  return { ...freePlace(id), destination }
}

/** Where they were sealed before destinations were bound. */
export function freePlace(id: string): Place {
  return { table: 'integrations', row: id, column: 'sealed' }
}
