import { z } from 'zod'
import { BrokerError } from '../../src/sdk/index.ts'
import type { Send } from './send.ts'

export interface Mount {
  /** no slash at its ends */
  readonly path: string
  readonly kind: 'kv' | 'kv-v1' | 'transit' | 'other'
}

export interface Mounts {
  readonly secret: readonly Mount[]
  /** accessor by path under `auth/` */
  readonly auth: ReadonlyMap<string, string>
}

const Listing = z.object({
  secret: z.record(z.string(), z.object({ type: z.string(), options: z.record(z.string(), z.unknown()).nullish() })),
  auth: z.record(z.string(), z.object({ accessor: z.string() })),
})

/** Every mount the token can use; the server asks for no policy line here. */
export async function readMounts(send: Send): Promise<Mounts> {
  const answer = await send({ method: 'GET', path: ['sys/internal/ui/mounts'], repeatable: true })
  const listing = Listing.safeParse(answer.data)
  if (!listing.success) {
    throw new BrokerError('target.unexpected', 'sys/internal/ui/mounts answered in a shape we do not know', {
      cause: listing.error,
      requestId: answer.requestId,
    })
  }
  const { secret, auth } = listing.data
  return {
    secret: Object.entries(secret).map(([path, mount]) => ({
      path: bare(path),
      kind: kindOf(mount.type, mount.options?.['version']),
    })),
    auth: new Map(Object.entries(auth).map(([path, { accessor }]) => [bare(path), accessor])),
  }
}

/** KV v2 and Transit mounts that the server has and the token cannot use; none where the server does not tell. */
export async function unreachedMounts(send: Send, reached: readonly Mount[]): Promise<Mount[]> {
  const { status, data } = await send({ method: 'GET', path: ['sys/mounts'], accept: [403], repeatable: true })
  const table = Listing.shape.secret.safeParse(onlyMounts(data))
  if (status === 403 || !table.success) return []
  const known = new Set(reached.map(({ path }) => path))
  return Object.entries(table.data)
    .map(([path, mount]): Mount => ({ path: bare(path), kind: kindOf(mount.type, mount.options?.['version']) }))
    .filter(({ path, kind }) => (kind === 'kv' || kind === 'transit') && !known.has(path))
}

// Beside the mounts an answer has fields of its own.
function onlyMounts(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).filter(([path]) => path.endsWith('/')))
}

function kindOf(type: string, version: unknown): Mount['kind'] {
  if (type === 'transit') return 'transit'
  if (type !== 'kv' && type !== 'generic') return 'other'
  return version === '2' ? 'kv' : 'kv-v1'
}

function bare(path: string): string {
  return path.replace(/\/$/, '')
}
