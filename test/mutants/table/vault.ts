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
]
