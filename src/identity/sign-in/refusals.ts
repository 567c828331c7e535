import { Injectable, Logger } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import { Database } from '../../platform/database.ts'
import { reasonOf } from './refusal-reason.ts'

export type Road = 'callback' | 'bearer' | 'logout_token' | 'confirmation' | 'enrolment'

const MOST_PER_MINUTE = 300

/** Writes down who was not let in, and why. Anybody can knock, so of a flood only its beginning is kept. */
@Injectable()
export class Refusals {
  private readonly log = new Logger(Refusals.name)
  private minute = 0
  private count = 0

  constructor(private readonly database: Database) {}

  async note(road: Road, error: unknown, who?: string): Promise<void> {
    const reason = reasonOf(error)
    const minute = Math.floor(performance.now() / 60_000)
    if (minute !== this.minute) this.count = 0
    this.minute = minute
    this.count += 1
    if (this.count === MOST_PER_MINUTE) this.log.warn('more sign-ins are refused than the audit trail takes')
    if (this.count >= MOST_PER_MINUTE) return
    await record(this.database.pool, {
      kind: 'sign_in.refused',
      actor: who ?? 'somebody',
      subject: who ?? 'sign_in',
      data: { road, reason },
    })
  }
}
