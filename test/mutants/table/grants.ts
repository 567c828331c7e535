import type { Mutant } from '../mutant.ts'

/** Of access that begins, is opened and is extended. */
export const GRANTS: readonly Mutant[] = [
  {
    bug: 'who lost a run gives its grant up all the same',
    file: 'src/grants/provisioning/provisioning.ts',
    find: `if (now?.state !== 'provisioning' || !ours.has(run.id)) {`,
    replace: `if (now?.state !== 'provisioning') {`,
    suites: ['two-holders'],
    only: 'does not give the grant up',
  },
  {
    bug: 'a grant whose target refuses is tried for ever',
    file: 'src/grants/provisioning/provisioning.ts',
    find: `if (mayPass && !old) return 'try again'`,
    replace: `if (mayPass) return 'try again'`,
    suites: ['patience'],
    only: 'what was approved',
  },
  {
    bug: 'a grant is given up at the first fault of its target',
    file: 'src/grants/provisioning/provisioning.ts',
    find: `if (mayPass && !old) return 'try again'`,
    replace: `if (mayPass && old === null) return 'try again'`,
    suites: ['patience'],
    only: 'what was approved',
  },
  {
    bug: 'a fault of our own ends what was approved',
    file: 'src/grants/provisioning/provisioning.ts',
    find: 'const mayPass = !(error instanceof BrokerError) || error.retryable',
    replace: 'const mayPass = error instanceof BrokerError && error.retryable',
    suites: ['patience'],
    only: 'what was approved',
  },
]
