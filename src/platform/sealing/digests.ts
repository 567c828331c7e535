import { createHmac } from 'node:crypto'
import type { Sealer } from './sealing.ts'

/** By which values are told apart and of which none can be read: of the present key first, and of each other one. */
export function digestsOf(sealer: Sealer, purpose: string, value: unknown): string[] {
  const text = JSON.stringify(inOrder(value))
  return sealer.derive(purpose).map((key) => createHmac('sha256', key).update(text).digest('base64url'))
}

/** With the keys of every object in one order, as JSON does not say any. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return { object: entries.map(([key, item]) => [key, inOrder(item)]) }
}
