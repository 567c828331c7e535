import { Injectable } from '@nestjs/common'
import { rows, type Tx } from '../platform/postgres/database.ts'
import { digestsOf } from '../platform/sealing/digests.ts'
import { Sealer } from '../platform/sealing/sealing.ts'
import { BrokerError } from '../sdk/index.ts'

/** The key that somebody gave an order, so that it may be repeated. */
export interface OrderKey {
  readonly kind: string
  readonly key: string
  /** everything that was ordered, what it is about as well; it may hold secrets */
  readonly body: object
}

/** Orders that may be repeated: among orders of a kind a key is of one, whatever has come of it, and of no other. */
@Injectable()
export class OrderKeys {
  constructor(private readonly sealer: Sealer) {}

  /** What came of the order before; undefined: it is a new one. With another body it is a `conflict`. */
  async find(tx: Tx, { kind, key, body }: OrderKey): Promise<string | undefined> {
    // Earlier daemons let a key be used again for something else, and wrote down of each what it was about.
    const earlier = await rows<{ made: string; digest: string }>(
      tx,
      'select made, digest from order_keys where kind = $1 and key = $2 order by created_at',
      [kind, key],
    )
    const digests = this.digestsOf(body)
    const same = earlier.find(({ digest }) => digests.includes(digest))
    if (same || earlier.length === 0) return same?.made
    throw new BrokerError('conflict', `the idempotency key was used for another order: ${earlier[0]!.made}`, {
      field: 'idempotencyKey',
      fix: 'use a new key for a new order; one that is repeated says the same in everything',
    })
  }

  /** The same. A new one must be settled in this transaction; of two at one moment the second waits for the first. */
  async claim(tx: Tx, order: OrderKey): Promise<string | undefined> {
    const { kind, key, body } = order
    const before = await this.find(tx, order)
    if (before !== undefined) return before
    const isNew = await rows(
      tx,
      `insert into order_keys (kind, scope, key, digest, made) values ($1, '', $2, $3, '')
       on conflict on constraint order_keys_once do nothing returning 1`,
      [kind, key, this.digestsOf(body)[0]],
    )
    return isNew.length > 0 ? undefined : this.find(tx, order)
  }

  /** Says what came of an order that was claimed. */
  async settle(tx: Tx, { kind, key }: OrderKey, made: string): Promise<void> {
    await rows(tx, "update order_keys set made = $3 where kind = $1 and scope = '' and key = $2", [kind, key, made])
  }

  /** What waited became something else, which is what came of the order from now on. */
  async became(tx: Tx, waited: string, made: string): Promise<void> {
    await rows(tx, 'update order_keys set made = $2 where made = $1', [waited, made])
  }

  private digestsOf(body: object): string[] {
    return digestsOf(this.sealer, 'body of an order', body)
  }
}
