import { z } from 'zod'
import { BrokerError } from '../../src/sdk/index.ts'
import type { Send } from './send.ts'

export interface Mount {
  /** no slash at its ends */
  readonly path: string
  readonly kind: 'kv' | 'kv-v1' | 'transit' | 'other'
  /** the engine, as the server calls it */
  readonly type: string
}

export interface AuthMount {
  readonly accessor: string
  /** the auth method, as the server calls it */
  readonly type: string
  readonly tokenType?: string
  /** 0: the system's maximum */
  readonly maxLeaseSeconds: number
  readonly isLockOutOff: boolean
}

export interface Mounts {
  readonly secret: readonly Mount[]
  /** by path under `auth/` */
  readonly auth: ReadonlyMap<string, AuthMount>
}

const Engine = z.object({ type: z.string(), options: z.record(z.string(), z.unknown()).nullish() })
const Auth = z.object({
  type: z.string(),
  accessor: z.string(),
  config: z
    .object({
      token_type: z.string().optional().catch(undefined),
      max_lease_ttl: z.number().optional().catch(undefined),
      user_lockout_config: z.object({ user_lockout_disable: z.boolean() }).optional().catch(undefined),
    })
    .nullish(),
})
const Listing = z.object({ secret: z.record(z.string(), Engine), auth: z.record(z.string(), Auth) })

/** Every mount the token can use; the server asks for no policy line here. */
export async function readMounts(send: Send): Promise<Mounts> {
  const answer = await send({ method: 'GET', path: ['sys/internal/ui/mounts'], repeatable: true })
  const listing = Listing.safeParse(answer.data)
  if (!listing.success) {
    throw new BrokerError('target.unexpected', 'sys/internal/ui/mounts gave an answer that the broker does not know', {
      cause: listing.error,
      requestId: answer.requestId,
    })
  }
  const { secret, auth } = listing.data
  return {
    secret: enginesIn(secret),
    auth: new Map(Object.entries(auth).map(([path, mount]) => [bare(path), authMount(mount)])),
  }
}

/** KV v2 and Transit mounts that the server has and the token cannot use; none where the server does not tell. */
export async function unreachedMounts(send: Send, reached: readonly Mount[]): Promise<Mount[]> {
  const { status, data } = await send({ method: 'GET', path: ['sys/mounts'], accept: [403], repeatable: true })
  const table = Listing.shape.secret.safeParse(onlyMounts(data))
  if (status === 403 || !table.success) return []
  const known = new Set(reached.map(({ path }) => path))
  return enginesIn(table.data).filter(({ path, kind }) => (kind === 'kv' || kind === 'transit') && !known.has(path))
}

// Beside the mounts an answer has fields of its own.
function onlyMounts(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).filter(([path]) => path.endsWith('/')))
}

function enginesIn(table: Readonly<Record<string, z.infer<typeof Engine>>>): Mount[] {
  return Object.entries(table).map(([path, { type, options }]) => ({
    path: bare(path),
    kind: kindOf(type, options?.['version']),
    type,
  }))
}

function authMount({ type, accessor, config }: z.infer<typeof Auth>): AuthMount {
  return {
    type,
    accessor,
    tokenType: config?.token_type,
    maxLeaseSeconds: config?.max_lease_ttl ?? 0,
    isLockOutOff: config?.user_lockout_config?.user_lockout_disable === true,
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
