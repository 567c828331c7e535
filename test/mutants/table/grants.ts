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
  {
    bug: 'the patience is counted from when the grant was made',
    file: 'src/grants/provisioning/provisioning.ts',
    find: `select 1 from audit_events where subject = $1 and kind = 'grant.provisioning' and at <`,
    replace: 'select 1 from grants where id = $1 and created_at <',
    suites: ['patience'],
    only: 'what was approved',
  },
  {
    bug: 'the end of a grant is not put down when it becomes active',
    file: 'src/grants/provisioning/provisioning.ts',
    find: `    await enqueue(tx, [
      { lane: 'cut', kind: GRANT_WORK.end, subject: grant.id, shard: grant.integrationId, at: active.expiresAt },
    ])
`,
    replace: '',
    suites: ['patience'],
    only: 'the work of its end',
  },
  {
    bug: 'a grant is opened by somebody else than its grantee',
    file: 'src/grants/opening/opening.ts',
    find: 'if (grant?.granteeId !== grantee.id) throw new',
    replace: 'if (!grant) throw new',
    suites: ['authorization-matrix'],
  },
  {
    bug: 'who approved a grant opens it with a token made for its grantee',
    file: 'src/grants/opening/opening.ts',
    find: 'if (meet(hands, await judgesHands(tx, grantId))) throw approvedByThem()',
    replace: '',
    suites: ['one-hand'],
    only: 'does not approve as themselves and then open',
  },
]
