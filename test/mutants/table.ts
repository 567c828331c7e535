import type { Mutant } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  {
    bug: 'undo goes forwards instead of last first',
    file: 'src/actions/runner.ts',
    find: 'steps.toReversed()',
    replace: 'steps',
    suites: ['endings'],
  },
]
