import { BrokerError } from '../sdk/index.ts'

interface DatabaseError {
  readonly code?: string
  readonly constraint?: string
  readonly message?: string
}

/** Whether a statement was refused by the constraint (or unique index) of that name. */
export function violates(error: unknown, constraint: string): boolean {
  return (error as DatabaseError | undefined)?.constraint === constraint
}

// Shutting down or starting (57P), not there (3D), out of connections (53), connection lost (08), waited too long (55P03, 57014), lost a race (40).
const PASSING = /^(08|3D|40|53|57P|55P03|57014|ECONN|EPIPE|ETIMEDOUT|ENOENT)/

/** `unavailable` for what the database may well do when asked again; undefined for a fault of ours. */
export function refusalOfDatabase(error: unknown): BrokerError | undefined {
  const { code, message } = (error ?? {}) as DatabaseError
  const isPassing =
    PASSING.test(String(code ?? '')) || /^(Connection terminated|timeout exceeded when trying)/.test(message ?? '')
  if (!isPassing) return undefined
  return new BrokerError('unavailable', 'the database did not serve this now', { cause: error, fix: 'try again shortly' })
}
