import fc from 'fast-check'

/** The people of the model: two who ask, three who judge and may ask, and a stranger. */
export const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'frank', 'erin'] as const
/** Access flows: how many judges must agree, and how the credential is handed over. */
export const FLOWS = [
  { name: 'at once', needed: 0, delivery: 'token' },
  { name: 'one judge', needed: 1, delivery: 'password' },
  { name: 'two judges', needed: 2, delivery: 'token' },
] as const

/** Somebody by number, or the one who would be right to do it. */
type Who = number | 'right'

/**
 * What may happen, as plain data that can be written down and played again. `which` counts back from the latest request; where
 * there is none nothing happens.
 */
export type Command = Call | Change | Happening | Together

/** What people ask the broker for. */
export type Call = Ask | OfARequest

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

/** Two calls at one moment: it must come to the same as one after the other. */
export interface Together {
  readonly do: 'together'
  readonly calls: readonly [Call, Call]
}

/** What an admin does. */
export type Change =
  | { readonly do: 'person'; readonly who: number; readonly is: 'disabled' | 'enabled' }
  | { readonly do: 'group'; readonly who: number; readonly group: 'askers' | 'judges'; readonly is: 'in' | 'out' }
  | { readonly do: 'flow'; readonly flow: number; readonly is: 'on' | 'off' }
  | { readonly do: 'integration'; readonly is: 'paused' | 'resumed' }
  | { readonly do: 'end all' | 'sweep' }

/** How somebody else's hand changes what was made at the target. */
export type Meddling = 'rule deleted' | 'rule changed' | 'account deleted' | 'rule copied'

/** How a call goes wrong: it never arrives; it is carried out, and its answer is lost; something is to go, is said to be gone, and stays. */
export type Mishap = 'unheard' | 'unanswered' | 'ignored'

/** What nobody asks the broker for. */
export type Happening =
  | { readonly do: 'wait'; readonly minutes: number }
  /** the last command once more */
  | { readonly do: 'again' }
  /** so many calls come before the broker has got where it is going */
  | { readonly do: 'hurry'; readonly calls: number }
  | { readonly do: 'target goes away' | 'target comes back' }
  | { readonly do: 'calls fail'; readonly how: Mishap; readonly times: number }
  | { readonly do: 'meddle'; readonly which: number; readonly how: Meddling }
  /** the target's state is kept, and later put back; then it is swept */
  | { readonly do: 'snapshot' | 'put back' }
  /** every row of due work that nobody has in hand */
  | { readonly do: 'work is lost' }
  | { readonly do: 'restart'; readonly how: 'stopped' | 'crashed'; readonly minutes: number }
  | { readonly do: 'second replica'; readonly is: 'started' | 'stopped' | 'crashed' }
  /** a daemon dies at a statement from now: before it arrives, or before it is answered */
  | { readonly do: 'die amid'; readonly statement: number; readonly how: 'before' | 'reset' }

const number = (max: number) => fc.nat({ max })
const who: fc.Arbitrary<Who> = fc.oneof(
  { weight: 5, arbitrary: fc.constant('right' as const) },
  { weight: 2, arbitrary: number(5) },
)
const which = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: number(4) })
/** Ends fall between the times that waiting leads to, so that a slow machine changes nothing. */
const minutes = fc.constantFrom(50, 110, 30)
const always = <const Value>(value: Value) => fc.constant(value)

const ask = fc.record({ do: always('ask'), who: number(5), flow: number(2), minutes })
const decide = fc.record({ do: always('decide'), who, which, say: fc.constantFrom('approve', 'approve', 'approve', 'reject') })
const open = fc.record({ do: always('open'), who, which })
const extend = fc.record({ do: always('extend'), who, which, minutes: fc.constantFrom(20, 40, 60, 120) })
const end = fc.record({ do: fc.constantFrom('give back', 'revoke'), who, which })
const cancel = fc.record({ do: always('cancel'), who, which })
const call = fc.oneof(
  { weight: 1, arbitrary: ask },
  { weight: 3, arbitrary: decide },
  { weight: 3, arbitrary: open },
  { weight: 2, arbitrary: extend },
  { weight: 2, arbitrary: end },
  { weight: 1, arbitrary: cancel },
) as fc.Arbitrary<Call>

/** What it takes time to play comes less often. */
const WEIGHED = [
  [16, ask],
  [16, decide],
  [14, open],
  [10, extend],
  [8, end],
  [4, cancel],
  [8, fc.record({ do: always('together'), calls: fc.tuple(call, call) })],
  [12, fc.record({ do: always('wait'), minutes: fc.constantFrom(20, 40, 60) })],
  [6, fc.record({ do: always('again') })],
  [5, fc.record({ do: always('hurry'), calls: fc.integer({ min: 1, max: 3 }) })],
  [2, fc.record({ do: always('target goes away') })],
  [6, fc.record({ do: always('target comes back') })],
  [
    5,
    fc.record({
      do: always('calls fail'),
      how: fc.constantFrom('unheard', 'unanswered', 'ignored'),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  ],
  [4, fc.record({ do: always('person'), who: number(5), is: fc.constantFrom('disabled', 'enabled', 'enabled') })],
  [
    4,
    fc.record({
      do: always('group'),
      who: number(5),
      group: fc.constantFrom('askers', 'judges'),
      is: fc.constantFrom('in', 'out', 'in'),
    }),
  ],
  [4, fc.record({ do: always('flow'), flow: number(2), is: fc.constantFrom('off', 'on', 'on') })],
  [4, fc.record({ do: always('integration'), is: fc.constantFrom('paused', 'resumed', 'resumed') })],
  [1, fc.record({ do: always('end all') })],
  [2, fc.record({ do: always('sweep') })],
  [
    1,
    fc.record({
      do: always('meddle'),
      which,
      how: fc.constantFrom('rule deleted', 'rule changed', 'account deleted', 'rule copied'),
    }),
  ],
  [2, fc.record({ do: always('snapshot') })],
  [1, fc.record({ do: always('put back') })],
  [2, fc.record({ do: always('work is lost') })],
  [1, fc.record({ do: always('restart'), how: fc.constantFrom('stopped', 'crashed'), minutes: fc.constantFrom(0, 0, 40) })],
  [1, fc.record({ do: always('second replica'), is: fc.constantFrom('started', 'stopped', 'crashed') })],
  [2, fc.record({ do: always('die amid'), statement: number(30), how: fc.constantFrom('before', 'reset') })],
] as const

const command = fc.oneof(...WEIGHED.map(([weight, arbitrary]) => ({ weight, arbitrary: arbitrary as fc.Arbitrary<Command> })))

/** Stories of at most so many commands. */
export const stories = (maxLength: number): fc.Arbitrary<Command[]> => fc.array(command, { minLength: 1, maxLength, size: 'max' })
