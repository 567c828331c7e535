import { Injectable } from '@nestjs/common'
import { Database, databaseNow, type Tx } from '../platform/postgres/database.ts'
import type { Outlook } from '../sdk/index.ts'

type Restored = Outlook['restores']

/** What is to be known of what would come back, a sentence each. */
export type Doubt = (tx: Tx, restored: Restored) => Promise<readonly string[]>

/** What is put back may have lost its worth since: a person is told before they say so. */
@Injectable()
export class ComingBack {
  private readonly doubts: Doubt[] = []

  constructor(private readonly database: Database) {}

  /** Who knows what has become of such things says it. */
  doubtedBy(doubt: Doubt): void {
    this.doubts.push(doubt)
  }

  async warningsOf({ isPossible, until, restores }: Outlook): Promise<string[]> {
    if (!isPossible) return []
    const now = (await databaseNow(this.database.pool)).getTime()
    const isOver = (at: string) => Date.parse(at) <= now
    const ended = until !== undefined && isOver(until) ? [`What would come back has ended by itself, at ${until}.`] : []
    const expired = restores.flatMap(({ target, certificate }) =>
      certificate && isOver(certificate.notAfter)
        ? [`The certificate that would come back at ${target} (${certificate.subject}) has expired, at ${certificate.notAfter}.`]
        : [],
    )
    const said = await Promise.all(this.doubts.map((doubt) => doubt(this.database.pool, restores)))
    return [...ended, ...expired, ...said.flat()]
  }
}
