import fc from 'fast-check'

/** The people of the model: two who ask, three who judge and may ask, and a stranger. */
export const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'frank', 'erin'] as const
/** Access flows: how many judges must agree, and how the credential is handed over. */
export const FLOWS = [
  { name: 'at once', needed: 0, delivery: 'token' },
  { name: 'one judge', needed: 1, delivery: 'password' },
  { name: 'two judges', needed: 2, delivery: 'token' },
] as const

/** Somebody by number, or whoever would be right to do it. */
export type Who = number | 'right'

/**
 * What may happen, as plain data that can be written down and played again. `which` counts back from the latest request; where
 * there is none nothing happens.
 */
export type Command = Ask | OfARequest | Change | Happening

export interface Ask {
  readonly do: 'ask'
  readonly who: number
  readonly flow: number
  readonly minutes: number
}

export type OfARequest = { readonly who: Who; readonly which: number } & (
  | { readonly do: 'decide'; readonly say: 'approve' | 'reject' }
  | { readonly do: 'cancel' | 'open' | 'give back' | 'revoke' }
  | { readonly do: 'extend'; readonly minutes: number }
)

/** What an admin does. */
export type Change =
  | { readonly do: 'person'; readonly who: number; readonly is: 'disabled' | 'enabled' }
  | { readonly do: 'sweep' }

/** What nobody asks the broker for; `again` is the last command once more. */
export type Happening =
  | { readonly do: 'wait'; readonly minutes: number }
  | { readonly do: 'target goes away' | 'target comes back' }
  | { readonly do: 'answers are lost'; readonly times: number }
  | { readonly do: 'restart'; readonly how: 'stopped' | 'crashed'; readonly minutes: number }
  | { readonly do: 'second replica'; readonly is: 'started' | 'stopped' | 'crashed' }
  | { readonly do: 'again' }

const number = (max: number) => fc.nat({ max })
const who: fc.Arbitrary<Who> = fc.oneof(
  { weight: 5, arbitrary: fc.constant('right' as const) },
  { weight: 2, arbitrary: number(5) },
)
const which = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: number(4) })
/** Ends fall between the times that waiting leads to, so that a slow machine changes nothing. */
const minutes = fc.constantFrom(50, 110, 30)

const WEIGHED: readonly [number, fc.Arbitrary<Command>][] = [
  [6, fc.record({ do: fc.constant('ask'), who: number(5), flow: number(2), minutes })],
  [6, fc.record({ do: fc.constant('decide'), who, which, say: fc.constantFrom('approve', 'approve', 'approve', 'reject') })],
  [1, fc.record({ do: fc.constant('cancel'), who, which })],
  [6, fc.record({ do: fc.constant('open'), who, which })],
  [3, fc.record({ do: fc.constant('extend'), who, which, minutes: fc.constantFrom(20, 40, 120) })],
  [2, fc.record({ do: fc.constant('give back'), who, which })],
  [2, fc.record({ do: fc.constant('revoke'), who, which })],
  [4, fc.record({ do: fc.constant('wait'), minutes: fc.constantFrom(20, 40, 60) })],
  [2, fc.record({ do: fc.constant('again') })],
  [1, fc.record({ do: fc.constant('target goes away') })],
  [2, fc.record({ do: fc.constant('target comes back') })],
  [2, fc.record({ do: fc.constant('answers are lost'), times: fc.integer({ min: 1, max: 3 }) })],
  [1, fc.record({ do: fc.constant('sweep') })],
  [1, fc.record({ do: fc.constant('restart'), how: fc.constantFrom('stopped', 'crashed'), minutes: fc.constantFrom(0, 0, 40) })],
  [1, fc.record({ do: fc.constant('second replica'), is: fc.constantFrom('started', 'stopped', 'crashed') })],
  [2, fc.record({ do: fc.constant('person'), who: number(5), is: fc.constantFrom('disabled', 'enabled', 'enabled') })],
] as readonly [number, fc.Arbitrary<Command>][]

const command = fc.oneof(...WEIGHED.map(([weight, arbitrary]) => ({ weight, arbitrary })))

/** Stories of at most so many commands. */
export const stories = (maxLength: number): fc.Arbitrary<Command[]> => fc.array(command, { minLength: 1, maxLength, size: 'max' })
