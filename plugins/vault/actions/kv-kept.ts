import type { Send } from '../send.ts'
import type { KvPlace } from './kv-place.ts'

const UNLESS_SAID = 10

/** How many versions of a secret its server keeps. */
export interface KeptVersions {
  readonly atMost: number
  /** false where the broker may not read the setting of the mount */
  readonly isCertain: boolean
}

/** The larger of what the secret and its mount say; zero says nothing, and ten are kept where neither says more. */
export async function keptVersions(send: Send, { mount, path }: KvPlace): Promise<KeptVersions> {
  const [secret, engine] = await Promise.all([
    send({ method: 'GET', path: [mount, 'metadata', path], accept: [404], repeatable: true }),
    send({ method: 'GET', path: [mount, 'config'], accept: [403], repeatable: true }),
  ])
  const said = Math.max(numberIn(secret.data), numberIn(engine.data))
  return { atMost: said || UNLESS_SAID, isCertain: engine.status !== 403 }
}

function numberIn({ max_versions }: Readonly<Record<string, unknown>>): number {
  return typeof max_versions === 'number' ? max_versions : 0
}
