import type { Mutant } from '../mutant.ts'

/** Of access that ends, and of what notices that it did not. */
export const ENDINGS: readonly Mutant[] = [
  {
    bug: 'ending a grant leaves its provisioning due',
    file: 'src/grants/ending/ending.ts',
    find: 'await withdraw(tx, GRANT_WORK.provision, begunIds)',
    replace: '',
    suites: [],
    equivalent: 'the row finds a grant that is not provisioning any more, and is done without an effect',
  },
]
