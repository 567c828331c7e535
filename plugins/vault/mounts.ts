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

function kindOf(type: string, version: unknown): Mount['kind'] {
  if (type === 'transit') return 'transit'
  if (type !== 'kv' && type !== 'generic') return 'other'
  return version === '2' ? 'kv' : 'kv-v1'
}

function bare(path: string): string {
  return path.replace(/\/$/, '')
}
