import type { Mutant } from '../mutant.ts'

/** Of what people who left may still have in hand, and of who calls for them. */
export const LEAVERS: readonly Mutant[] = [
  {
    bug: 'a SCIM token that a leaver has seen gives as before',
    file: 'src/identity/scim/scim-writes.ts',
    find: 'return token?.seen === false',
    replace: 'return token !== undefined',
    suites: ['scim-tokens'],
    only: 'takes away and gives nothing',
  },
  {
    bug: 'an admin who lost the role keeps the SCIM token they have seen',
    file: 'src/identity/directory/scim-tokens-in-hand.ts',
    find: `or not \${rolesOf(HOWEVER_OLD_MINUTES, 'h')} && array['admin']`,
    replace: '',
    suites: ['scim-tokens'],
    only: 'takes away and gives nothing',
  },
  {
    bug: 'with a token that a leaver has seen people are renamed',
    file: 'src/identity/scim/scim-users.service.ts',
    find: 'const person = mayGive ? wanted : onlyDeactivated(before.scim, wanted)',
    replace: 'const person = mayGive || wanted.active === before.scim.active ? wanted : onlyDeactivated(before.scim, wanted)',
    suites: ['scim-tokens'],
    only: 'takes away and gives nothing',
  },
  {
    bug: 'with a token that a leaver has seen people come into groups',
    file: 'src/identity/scim/scim-groups.service.ts',
    find: 'some((one) => !members.includes(one))',
    replace: 'some((one) => one === undefined)',
    suites: ['scim-tokens'],
    only: 'takes away and gives nothing',
  },
  {
    bug: 'an admin whose tokens give the role no more counts as one who can get in',
    file: 'src/identity/directory/directory.ts',
    find: `
        and 'admin' = any(\${rolesThrough(this.freshMinutes)})`,
    replace: '',
    suites: ['left-hands'],
    only: 'is not locked out',
  },
  {
    bug: 'a token is made by who is being disabled',
    file: 'src/identity/tokens/tokens.service.ts',
    find: 'await mustBeHere(tx, caller.id)',
    replace: '',
    suites: ['left-hands'],
    only: 'is nothing',
  },
  {
    bug: 'a SCIM token is made by who is being disabled',
    file: 'src/identity/scim/scim-tokens.service.ts',
    find: 'await mustBeHere(tx, by)',
    replace: '',
    suites: ['left-hands'],
    only: 'is nothing',
  },
  {
    bug: 'an enrolment code is made by who is being disabled',
    file: 'src/identity/tokens/enrolment.service.ts',
    find: 'await mustBeHere(tx, caller.id)',
    replace: '',
    suites: ['left-hands'],
    only: 'is nothing',
  },
  {
    bug: 'a watcher’s rounds run into each other',
    file: 'src/platform/due/rounds.ts',
    find: 'if (this.isUnderWay) return',
    replace: '',
    suites: ['rounds'],
  },
  {
    bug: 'one round that failed is the last',
    file: 'src/platform/due/rounds.ts',
    find: `    } finally {
      this.isUnderWay = false
    }`,
    replace: '    }',
    suites: ['rounds'],
  },
  {
    bug: 'a change that waits for a second person is taken for made',
    file: 'src/api-client/api-client.ts',
    find: 'status === 202 &&',
    replace: 'status === 299 &&',
    suites: ['api-client'],
  },
  {
    bug: 'an id with a slash in it leads a program to another endpoint',
    file: 'src/api-client/typed.ts',
    find: `encodeURIComponent(params[name] ?? '')`,
    replace: `(params[name] ?? '')`,
    suites: ['api-client'],
  },
]
