import { Injectable } from '@nestjs/common'
import { rows, type Tx } from '../platform/postgres/database.ts'
import { digestsOf } from '../platform/sealing/digests.ts'
import { Sealer } from '../platform/sealing/sealing.ts'
import { BrokerError } from '../sdk/index.ts'

/** The key that somebody gave an order, so that it may be repeated. */
export interface OrderKey {
  readonly kind: string
  /** what the order is about: the same key elsewhere is another order */
  readonly scope: string
  readonly key: string
  /** everything that was ordered; it may hold secrets */
  readonly body: object
}

/** Orders that may be repeated: the same key and the same body are one order, whatever has come of it. */
@Injectable()
export class OrderKeys {
  constructor(private readonly sealer: Sealer) {}

  /** What came of the order before; undefined: it is a new one. With another body it is a `conflict`. */
  async find(tx: Tx, { kind, scope, key, body }: OrderKey): Promise<string | undefined> {
    const [earlier] = await rows<{ made: string; digest: string }>(
      tx,
      'select made, digest from order_keys where kind = $1 and scope = $2 and key = $3',
      [kind, scope, key],
    )
    if (!earlier || this.digestsOf(body).includes(earlier.digest)) return earlier?.made
    throw new BrokerError('conflict', `the idempotency key was used for ${earlier.made} with another body`, {
      field: 'idempotencyKey',
      fix: 'use a new key for a new order',
    })
  }

  /** The same. A new one must be settled in this transaction; of two at one moment the second waits for the first. */
  async claim(tx: Tx, order: OrderKey): Promise<string | undefined> {
    const { kind, scope, key, body } = order
    const isNew = await rows(
      tx,
      `insert into order_keys (kind, scope, key, digest, made) values ($1, $2, $3, $4, '')
       on conflict on constraint order_keys_once do nothing returning 1`,
      [kind, scope, key, this.digestsOf(body)[0]],
    )
    return isNew.length > 0 ? undefined : this.find(tx, order)
  }

  /** Says what came of an order that was claimed. */
  async settle(tx: Tx, { kind, scope, key }: OrderKey, made: string): Promise<void> {
    await rows(tx, 'update order_keys set made = $4 where kind = $1 and scope = $2 and key = $3', [kind, scope, key, made])
  }

  /** What waited became something else, which is what came of the order from now on. */
  async became(tx: Tx, waited: string, made: string): Promise<void> {
    await rows(tx, 'update order_keys set made = $2 where made = $1', [waited, made])
  }

  private digestsOf(body: object): string[] {
    return digestsOf(this.sealer, 'body of an order', body)
  }
}
