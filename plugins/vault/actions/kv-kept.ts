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

/** Why nothing of a secret could be restored once its next version is written. */
export function onlyOneKept(name: string, version: number): string {
  return `${name} keeps only one version (max_versions is 1), so writing the next one removes version ${version}`
}

export function restorable(name: string, version: number): string {
  return `What version ${version} of ${name} holds can be written again.`
}

function numberIn({ max_versions }: Readonly<Record<string, unknown>>): number {
  return typeof max_versions === 'number' ? max_versions : 0
}
