import type { Place } from '../../platform/sealing/sealing.ts'

/** Where the input of a request for an action is sealed. */
export function placeOfInput(request: string): Place {
  return { table: 'access_requests', row: request, column: 'sealed_input' }
}
