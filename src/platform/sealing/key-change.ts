import { Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common'
import { BrokerError } from '../../sdk/index.ts'
import { each, type Hold, type Outcome, type Work } from '../due/due-lane.ts'
import { type DueWork, enqueue } from '../due/due-work.ts'
import type { Database } from '../postgres/database.ts'
import type { SealedColumns } from './sealed-columns.ts'
import type { Sealer } from './sealing.ts'

const WORK = 'key.change'
/** Until every replica seals with the new key, one of them may still write under the old one. */
const AGAIN_MS = 10 * 60_000
/** Short and uneven, so that the replica which can do it is soon the one that takes it. */
const LEFT_TO_OTHERS_MS = 500

interface KeyIds {
  /** of keys whose values come under the present one */
  readonly former: readonly string[]
  /** of keys that nobody has any more */
  readonly lost: readonly string[]
}

/** Refuses a key that does not open what is stored, and brings what is under a former key under the present one. */
export class KeyChange implements OnModuleInit, OnApplicationBootstrap {
  private readonly log = new Logger(KeyChange.name)

  constructor(
    private readonly sealer: Sealer,
    private readonly columns: SealedColumns,
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly ids: KeyIds,
  ) {}

  async onModuleInit(): Promise<void> {
    this.work.handle('background', WORK, (batch, hold) => each(batch, (work) => this.change(work, hold)))
    const [stranger] = await this.columns.strangers([...this.sealer.keyIds, ...this.ids.lost])
    if (!stranger) return
    throw new BrokerError(
      'unavailable',
      `${stranger.where} was sealed with key ${stranger.key}, but the broker has ${this.sealer.keyIds.join(', ')}`,
      {
        fix:
          'start it with that key (LATCHKEY_KEY or LATCHKEY_KEY_FILE), or let it open with it (LATCHKEY_FORMER_KEYS); if it is lost, ' +
          `set LATCHKEY_LOST_KEYS=${stranger.key} and enter what it sealed again`,
      },
    )
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.ids.former.length === 0) return
    await enqueue(this.database.pool, [{ lane: 'background', kind: WORK, subject: this.sealer.keyId }])
    this.work.wake('background')
  }

  private async change({ subject }: Work, { signal }: Hold): Promise<Outcome> {
    const { keyId, keyIds } = this.sealer
    if (!keyIds.includes(subject)) return 'done' // of a change that is over
    if (subject !== keyId) return LEFT_TO_OTHERS_MS * (0.5 + Math.random()) // that of a replica which has the next key already
    const { replaced, left } = await this.columns.replaceAll(
      this.ids.former,
      (sealed, place) => this.sealer.rewrap(sealed, place),
      signal,
    )
    this.log.log(
      { key: keyId, replaced, left },
      left === 0 ? 'every sealed value is under the key' : 'some sealed values stay as they are',
    )
    return this.ids.former.length === 0 ? 'done' : AGAIN_MS
  }
}
