import { Injectable } from '@nestjs/common'
import { currentCall } from '../../platform/http/call.ts'
import { BrokerError } from '../../sdk/index.ts'
import { Budgets } from './budgets.ts'
import { sourceOf } from './source.ts'

/** What anybody may do without being known. */
type Attempt = 'enrolment' | 'sign_in'

/**
 * Of a code only guesses count. A browser's way to the provider and back is two attempts, and behind a proxy that is not trusted
 * (`LATCHKEY_TRUST_PROXY`) everybody is one source: a company signs in within minutes in the morning.
 */
const LIMITS = { enrolment: { most: 60, perMinute: 10 }, sign_in: { most: 600, perMinute: 600 } } as const

/** How often one source may try to get in. What one has used up leaves the others theirs: nobody is locked out by a stranger elsewhere. */
@Injectable()
export class Attempts {
  private readonly budgets = { enrolment: new Budgets(LIMITS.enrolment), sign_in: new Budgets(LIMITS.sign_in) }

  /** Throws when nothing is left for the source of this call. Taken before it is looked at, or a thousand at once would be looked at. */
  take(attempt: Attempt): void {
    if (!this.budgets[attempt].take(source())) throw tooMany()
  }

  /** It was no guess. */
  giveBack(attempt: Attempt): void {
    this.budgets[attempt].giveBack(source())
  }
}

function source(): string {
  return sourceOf(currentCall().address)
}

function tooMany(): BrokerError {
  return new BrokerError('rate.limited', 'too many failed attempts from your address', { fix: 'wait a minute, and try again' })
}
