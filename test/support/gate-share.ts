/** `npm run test:matrices` runs every case of the long matrices. The gate runs a share of each, another one on each server. */
export const IS_WHOLE = process.env['LATCHKEY_TEST_MATRIX'] === 'whole'

const offset = process.env['LATCHKEY_SERVER'] === 'vault' ? 1 : 0
const counts = new Map<string, number>()

/** Whether this case is run now: of a matrix in the gate one in `oneIn`, counted in the order in which they are asked about. */
export function isRun(matrix: string, oneIn: number): boolean {
  const count = counts.get(matrix) ?? 0
  counts.set(matrix, count + 1)
  return IS_WHOLE || count % oneIn === offset % oneIn
}
