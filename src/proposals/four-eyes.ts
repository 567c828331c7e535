import { HttpStatus, Inject, Injectable } from '@nestjs/common'
import type { Response } from 'express'
import { record } from '../audit/record.ts'
import type { Config } from '../config.ts'
import type { ProposalView, Proposed } from '../contract/proposals.ts'
import type { Caller } from '../identity/caller.ts'
import { handsOf } from '../identity/hands-of.ts'
import { Database, rows } from '../platform/database.ts'
import { newId } from '../platform/ids.ts'
import { CONFIG } from '../platform/platform.module.ts'
import { Sealer } from '../platform/sealing.ts'
import type { Json } from '../sdk/index.ts'
import { readProposal } from './proposal.ts'

/** A change as somebody wants it. */
export interface Change {
  readonly kind: Proposed
  /** what it changes; null when it makes something */
  readonly subject: string | null
  readonly body: unknown
  /** what the second person is shown: the change without its secrets */
  readonly summary: Json
}

type Performer = (by: string, subject: string | null, body: unknown) => Promise<unknown>

/** Where the switch is on, changes of flows and integrations wait until somebody else accepts them. */
@Injectable()
export class FourEyes {
  private readonly performers = new Map<Proposed, Performer>()

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Says how an accepted change is made. The body comes as it was proposed and is parsed again. */
  performs(kind: Proposed, performer: Performer): void {
    this.performers.set(kind, performer)
  }

  /** The change itself, or with 202 the proposal that waits in its place. */
  async make<T>(
    caller: Caller,
    response: Response,
    change: () => Promise<Change>,
    now: () => Promise<T>,
  ): Promise<T | ProposalView> {
    if (!this.config.fourEyes) return now()
    const { kind, subject, body, summary } = await change()
    const id = newId('prp')
    await this.database.transaction(async (tx) => {
      await rows(
        tx,
        `insert into proposals (id, kind, subject, body, summary, proposer_id, token_makers, hands, done_with)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [
          id,
          kind,
          subject,
          this.sealer.seal(JSON.stringify(body), placeOf(id)),
          JSON.stringify(summary),
          caller.id,
          caller.tokenMakers,
          await handsOf(tx, caller),
          caller.cameWith,
        ],
      )
      await record(tx, { kind: 'proposal.made', actor: caller.id, subject: id, data: { kind, of: subject, change: summary } })
    })
    response.status(HttpStatus.ACCEPTED)
    return readProposal(this.database.pool, id)
  }

  /** Makes an accepted change, in the name of who proposed it. */
  async perform(id: string, kind: Proposed, subject: string | null, sealed: string, by: string): Promise<void> {
    const performer = this.performers.get(kind)
    if (!performer) throw new TypeError(`nobody performs ${kind}`)
    await performer(by, subject, JSON.parse(this.sealer.open(sealed, placeOf(id)).reveal()))
  }
}

function placeOf(id: string) {
  return { table: 'proposals', row: id, column: 'body' }
}
