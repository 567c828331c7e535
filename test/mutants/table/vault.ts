import type { Mutant } from '../mutant.ts'

/** Of the plugin for Vault and OpenBao. */
export const VAULT: readonly Mutant[] = [
  {
    bug: 'the end of a policy is rounded down',
    file: 'plugins/vault/policy.ts',
    find: 'Math.ceil(until.getTime() / 1000)',
    replace: 'Math.floor(until.getTime() / 1000)',
    suites: ['vault-policy'],
    only: 'A grant policy',
  },
  {
    bug: 'the last look at a policy before it leaves is gone',
    file: 'plugins/vault/policy.ts',
    find: `export function policyText(document: PolicyDocument, stamp: PolicyStamp, serverEnds: boolean): string {
  refuseWhatIsNeverGranted(document)`,
    replace: 'export function policyText(document: PolicyDocument, stamp: PolicyStamp, serverEnds: boolean): string {',
    suites: ['vault-policy'],
    only: 'A grant policy',
  },
  {
    bug: 'a mount whose name begins with “auth” is taken for the server’s own, and one below it is not',
    file: 'plugins/vault/policy.ts',
    find: '/^(?:sys|identity|auth|cubbyhole)(?:\\/|$)/',
    replace: '/^(?:sys|identity|auth|cubbyhole)$/',
    suites: ['vault-policy'],
    only: 'A grant policy',
  },
  {
    bug: 'a permission’s rules replace those of another one on the same path',
    file: 'plugins/vault/policy.ts',
    find: 'new Set([...(rules.get(path) ?? []), ...capabilities])',
    replace: 'new Set(capabilities)',
    suites: ['vault-policy'],
    only: 'A grant policy',
  },
  {
    bug: 'a stamp is found in a name as well',
    file: 'plugins/vault/policy.ts',
    find: '/"comment":"latchkey (\\d{10})',
    replace: '/latchkey (\\d{10})',
    suites: ['vault-policy'],
    only: 'A grant policy',
  },
  {
    bug: 'a user’s name is cut where its number begins with zeros',
    file: 'plugins/vault/names.ts',
    find: `.padStart(41, '0')`,
    replace: `.padStart(40, '0')`,
    suites: ['vault-policy'],
    only: 'Names in the target',
  },
  {
    bug: 'tokens of a user who is gone are overlooked for ever',
    file: 'plugins/vault/marked.ts',
    find: 'for (const folder of loggedIn) {',
    replace: 'for (const folder of loggedIn.slice(0, 0)) {',
    suites: ['sweep'],
    only: 'takes away what a login left',
  },
  {
    bug: 'a name that looks like a probe’s hides a user from the sweep for ever',
    file: 'plugins/vault/probe-names.ts',
    find: ' || agoMs < -LONGEST_PROBE_MS',
    replace: '',
    suites: ['target-names'],
    only: 'tells of',
  },
  {
    bug: 'what a probe that was cut off left is looked for once more after ten minutes alone',
    file: 'src/grants/sweep/sweep.ts',
    find: '(isUnderWay ? SOON_MS : EVERY_MS)',
    replace: 'EVERY_MS',
    suites: ['probes'],
    only: 'removes what a probe that was cut off left',
  },
]
