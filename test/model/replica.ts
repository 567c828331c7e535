import type { AnyPlugin } from '../../src/sdk/index.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import type { FreshDatabase } from '../support/database.ts'
import { wireTo } from '../support/database-wire.ts'
import type { Life } from './small-vault-plugin.ts'

/** One daemon of several at a database, which can die in the middle of anything. */
export interface Replica {
  readonly broker: Broker
  readonly isDead: boolean
  /** It dies at one of its next statements: before that arrives, or before it is answered. */
  doom(statement: number, how: 'before' | 'reset'): void
  /** It will not die of that. */
  spare(): void
  /** Nothing of it arrives anywhere any more, neither at the database nor at a target of the plugins that know its life. */
  crash(): Promise<void>
  stop(): Promise<void>
}

/** Statements with which a daemon looks around, whether or not anything happens. */
const OF_NO_FLOW =
  /set_config|select 1$|transaction_read_only|from integrations where|audit_chain|notification|http_sessions|held_back|min\(greatest|set locked|^(take|next|free)-/
/** For what the database still does of a statement whose sender is gone. */
const ANSWER_MS = 20

export async function startReplica(
  database: FreshDatabase,
  key: Buffer,
  plugins?: (life: Life) => readonly AnyPlugin[],
): Promise<Replica> {
  const life: Life = { isDead: false }
  const wire = await wireTo(database)
  const broker = await startBroker({ database: wire.database, key, ...(plugins && { plugins: plugins(life) }) })
  const die = () => {
    life.isDead = true
    return wire.close()
  }
  return {
    broker,
    get isDead() {
      return life.isDead
    },
    doom(statement, how) {
      let left = statement
      wire.judge((label, application) => {
        if (life.isDead) return 'before'
        if (application !== 'latchkey' || OF_NO_FLOW.test(label)) return undefined
        left -= 1
        if (left >= 0) return undefined
        life.isDead = true
        if (how === 'before') setImmediate(() => void wire.close())
        else setTimeout(() => void wire.close(), ANSWER_MS)
        return how
      })
    },
    spare: () => wire.judge(undefined),
    async crash() {
      await die()
      // What is left of it in this process can do no harm, and may take its time.
      void broker.close().catch(() => {})
    },
    async stop() {
      await broker.close()
      await wire.close()
    },
  }
}
