import { isDeepStrictEqual } from 'node:util'
import type { Step } from '../sdk/index.ts'

/** Sentences for people may be worded differently; everything else counts, in whichever order its keys stand. */
export function differenceOf(approved: readonly Step[], planned: readonly Step[]): string | undefined {
  if (approved.length !== planned.length) return `${planned.length} steps and not ${approved.length}`
  const other = planned.find((step, i) => !isDeepStrictEqual(asStored(step), asStored(approved[i]!)))
  return other && `${other.kind} ${other.target}`
}

function asStored({ kind, target, args }: Step): unknown {
  return JSON.parse(JSON.stringify({ kind, target, args }))
}
