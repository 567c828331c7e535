import type { Mutant } from '../mutant.ts'

/** Of who may ask for what, and who says yes. */
export const APPROVALS: readonly Mutant[] = [
  {
    bug: 'two tokens of one hand are two approvers',
    file: 'src/approvals/decisions/decisions.service.ts',
    find: 'isRepeated(asked, request.stage, before, hands)) throw',
    replace: 'isRepeated(asked, request.stage, before, [approver.id])) throw',
    suites: ['one-hand'],
    only: 'is not two approvers',
  },
  {
    bug: 'a rejection uses up somebody’s approval',
    file: 'src/approvals/stages/stages.ts',
    find: `decisions.some((each) => each.decision === 'approve' && (`,
    replace: 'decisions.some((each) => (',
    suites: [],
    equivalent: 'a request that somebody rejected is over, so nobody comes to approve it afterwards',
  },
  {
    bug: 'who asks is among those who are asked',
    file: 'src/approvals/stages/approvers.ts',
    find: '.filter((personId) => !askers.has(personId))',
    replace: '',
    suites: ['self-approval'],
  },
  {
    bug: 'people decide on their own request with a token they made for somebody',
    file: 'src/approvals/decisions/decisions.service.ts',
    find: 'if (meet(hands, [...request.hands, ...users])) {',
    replace: 'if (meet([approver.id], [...request.hands, ...users])) {',
    suites: ['one-hand'],
    only: 'does not ask as one of them and approve as the other',
  },
  {
    bug: 'somebody else’s request can be taken back',
    file: 'src/approvals/decisions/decisions.service.ts',
    find: 'if (request?.requesterId !== caller.id) throw noSuchRequest(id)',
    replace: 'if (!request) throw noSuchRequest(id)',
    suites: ['authorization-matrix'],
  },
  {
    bug: 'people close the review of their own emergency',
    file: 'src/approvals/reviews/reviews.service.ts',
    find: 'meet(',
    replace: '!Boolean(',
    suites: ['self-approval'],
  },
]
