import { z } from 'zod'

/** A setting that a plugin no longer has: accepted wherever it is still stored or sent, forgotten, and absent from the form. */
export function retired() {
  return z
    .unknown()
    .transform(() => undefined)
    .optional()
    .meta({ deprecated: true })
}
