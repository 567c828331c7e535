import { BrokerError } from '../../sdk/index.ts'

interface DatabaseError {
  readonly code?: string
  readonly constraint?: string
  readonly message?: string
}

/** Whether a statement was refused by the constraint (or unique index) of that name. */
export function violates(error: unknown, constraint: string): boolean {
  return (error as DatabaseError | undefined)?.constraint === constraint
}

// Refused for what was asked: bad data, a rule, a mistake in the statement (but not a statement that took too long or lost a race).
const OURS = /^(0[9A-Z]|2[0-4]|25(?!006|P03)|26|27|2[A-Z]|34|3[89A-C]|3F|42|44|P0|XX)/

// What Node says of a way that is not there, and pg of a connection that is gone; they have no code of PostgreSQL's.
const PASSING_SYSTEM = /^E[A-Z_]+$/
const PASSING_WORDS =
  /^(Connection terminated|timeout exceeded when trying|Client (has encountered a connection error|was closed)|Query ?Runner already released|Cannot use a pool after)/i

/**
 * `unavailable` for what the database may well do when asked again; undefined for a fault of ours. What PostgreSQL refuses for another
 * reason than the statement itself passes: it shuts down, is full, takes no writes for now, ended our transaction because we stood still.
 */
export function refusalOfDatabase(error: unknown): BrokerError | undefined {
  if (!isPassing(error)) return undefined
  return new BrokerError('unavailable', 'the database could not do this now', { cause: error, fix: 'try again shortly' })
}

function isPassing(error: unknown): boolean {
  if (error instanceof BrokerError || !(error instanceof Error)) return false
  const { code, message, driverError } = error as DatabaseError & Error & { driverError?: unknown }
  if (driverError !== undefined && driverError !== error) return isPassing(driverError)
  if (code === undefined) return PASSING_WORDS.test(message) || /^QueryRunner(Provider)?AlreadyReleased/.test(error.name)
  if (/^[0-9A-Z]{5}$/.test(code) && 'severity' in error) return !OURS.test(code)
  return PASSING_SYSTEM.test(code)
}
