import { z } from 'zod'
import { BrokerError } from '../../../src/sdk/index.ts'
import { unaskable, type VaultAnswer } from '../../../vault/index.ts'
import type { VaultClient } from '../client.ts'
import { slashless } from '../config.ts'
import { readMounts } from '../mounts.ts'
import { KV_SECRET } from '../resource-types.ts'
import type { Send } from '../send.ts'

/** Where a secret is, as discovery names it. */
export const kvPlace = {
  mount: slashless('Mount', 'path of the KV v2 engine, for example `kv`'),
  path: z
    .string()
    .min(1)
    .max(1024)
    .superRefine((path, context) => {
      const flaw = unaskable(path)
      if (flaw) context.addIssue({ code: 'custom', message: `cannot be asked for: ${flaw}` })
    })
    .meta({ title: 'Secret', description: 'its path below the mount, for example `app/db`' }),
}

// An alias and no interface: only so it is Json, which arguments of a step are.
export type KvPlace = { readonly mount: string; readonly path: string }

/** `kv/app/db` */
export function nameOf({ mount, path }: KvPlace): string {
  return `${mount}/${path}`
}

export function concernsOf(place: KvPlace) {
  return [{ type: KV_SECRET, name: nameOf(place) }]
}

/** Refuses an answer that no KV v2 engine gives: `the answer for kv/app/db`. */
export function notAsKv2(what: string, { status, requestId }: VaultAnswer): BrokerError {
  return new BrokerError('target.unexpected', `${what} (${status}) is not one of a KV v2 engine`, {
    fix: 'check that the mount is still there and is KV version 2',
    requestId,
  })
}

/** Throws unless versions are kept there: to version 1 the same calls are secrets of other names, and its answer looks like success. */
export async function mustKeepVersions(send: Send, { settings }: Pick<VaultClient, 'settings'>, mount: string): Promise<void> {
  const found = (await readMounts(send)).secret.find(({ path }) => path === mount)
  const isCovered = settings.kvMounts === 'all' || settings.kvMounts.includes(mount)
  if (found?.kind === 'kv' && isCovered) return
  if (found?.kind === 'kv-v1') {
    throw new BrokerError(
      'target.unsupported',
      `${mount} is KV version 1, which keeps no versions, so nothing could be restored`,
      {
        field: 'input.mount',
        fix: `vault kv enable-versioning ${mount}, or name a secret on a KV v2 mount`,
      },
    )
  }
  throw new BrokerError('input.invalid', `${mount} is not a KV v2 mount that this integration covers`, {
    field: 'input.mount',
    fix: 'check the mounts in the integration’s settings, and whether the broker’s policy reaches them',
  })
}
