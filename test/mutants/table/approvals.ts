import type { Mutant } from '../mutant.ts'

/** Of who may ask for what, and who says yes. */
export const APPROVALS: readonly Mutant[] = [
  {
    bug: 'a rejection uses up somebody’s approval',
    file: 'src/approvals/stages.ts',
    find: `decisions.some((each) => each.decision === 'approve' && (`,
    replace: 'decisions.some((each) => (',
    suites: [],
    equivalent: 'a request that somebody rejected is over, so nobody comes to approve it afterwards',
  },
]
