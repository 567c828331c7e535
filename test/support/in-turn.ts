import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { FreshDatabase } from './database.ts'

/** How late an end may begin on a machine that holds nobody up. */
const PATIENCE_SECONDS = 5

interface Turns {
  /** the one that ends by itself */
  readonly ending: string
  /** the one that is taken back later, and how */
  readonly later: string
  readonly takeBack: () => Promise<unknown>
}

/**
 * Whether an end began when it came, told without a stopwatch, which a busy machine would make a liar of: well after it, another grant is
 * taken back, and what holds the broker up holds both up. What was due first must have begun before the other lost its power.
 */
export async function beganInTurn(database: FreshDatabase, { ending, later, takeBack }: Turns): Promise<boolean> {
  const isPast = 'select expires_at + make_interval(secs => $2) < clock_timestamp() as past from grants where id = $1'
  await waitFor(
    `${ending} to be past its end`,
    async () => (await database.query(isPast, [ending, PATIENCE_SECONDS]))[0]?.['past'],
  )
  await takeBack()
  const isCut = 'select cut_at as at from grants where id = $1'
  const cut = await waitFor(`${later} to be without power`, async () => (await database.query(isCut, [later]))[0]?.['at'])
  const [began] = await database.query('select coalesce(revoking_at < $2, false) as "inTurn" from grants where id = $1', [
    ending,
    cut,
  ])
  return began?.['inTurn'] === true
}
