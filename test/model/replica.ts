import type { AnyPlugin } from '../../src/sdk/index.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import type { FreshDatabase } from '../support/database.ts'
import { wireTo } from '../support/database-wire.ts'
import type { Life } from './small-vault-plugin.ts'

/** One daemon of several at a database, which can die in the middle of anything. */
export interface Replica {
  readonly broker: Broker
  /** Nothing of it arrives anywhere any more, neither at the database nor at a target of the plugins that know its life. */
  crash(): Promise<void>
  stop(): Promise<void>
}

export async function startReplica(
  database: FreshDatabase,
  key: Buffer,
  plugins?: (life: Life) => readonly AnyPlugin[],
): Promise<Replica> {
  const life: Life = { isDead: false }
  const wire = await wireTo(database)
  const broker = await startBroker({ database: wire.database, key, ...(plugins && { plugins: plugins(life) }) })
  return {
    broker,
    async crash() {
      life.isDead = true
      await wire.close()
      // What is left of it in this process can do no harm, and may take its time.
      void broker.close().catch(() => {})
    },
    async stop() {
      await broker.close()
      await wire.close()
    },
  }
}
