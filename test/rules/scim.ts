import type { Operation } from '../../src/identity/scim/patch.ts'
import { ScimRefusal } from '../../src/platform/http/scim-error.ts'

export const op = (kind: Operation['op'], path?: string, value?: unknown): Operation => ({ op: kind, path, value })

/** SCIM's keyword and the words of the refusal that `act` ends in. */
export function refusal(act: () => unknown): [string, string] {
  try {
    act()
  } catch (error) {
    if (error instanceof ScimRefusal) return [error.scimType, error.message]
    throw error
  }
  throw new Error('it was not refused')
}
