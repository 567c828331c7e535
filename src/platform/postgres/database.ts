import { Injectable, type OnApplicationShutdown } from '@nestjs/common'
import { DataSource, type DataSourceOptions, type EntityManager } from 'typeorm'
import { Initial1763769600001 } from '../../../migrations/0001-initial.ts'
import { People1763769600002 } from '../../../migrations/0002-people.ts'
import { Agency1763769600003 } from '../../../migrations/0003-agency.ts'
import { Tokens1763769600004 } from '../../../migrations/0004-tokens.ts'
import { Provider1763769600005 } from '../../../migrations/0005-provider.ts'
import { Directory1763769600006 } from '../../../migrations/0006-directory.ts'
import { Decisions1763769600007 } from '../../../migrations/0007-decisions.ts'
import { Proof1763769600008 } from '../../../migrations/0008-proof.ts'
import { Doors1763769600009 } from '../../../migrations/0009-doors.ts'
import { Lanes1763769600010 } from '../../../migrations/0010-lanes.ts'
import { Openings1763769600011 } from '../../../migrations/0011-openings.ts'
import { Gaps1763769600013 } from '../../../migrations/0013-gaps.ts'
import { Runs1763769600014 } from '../../../migrations/0014-runs.ts'
import { Hands1763769600015 } from '../../../migrations/0015-hands.ts'
import { OrderedRuns1763769600016 } from '../../../migrations/0016-ordered-runs.ts'
import { Subjects1763769600017 } from '../../../migrations/0017-subjects.ts'
import { Promises1763769600018 } from '../../../migrations/0018-promises.ts'
import { Distribution1763769600019 } from '../../../migrations/0019-distribution.ts'
import { Rotations1763769600020 } from '../../../migrations/0020-rotations.ts'
import { AskedActions1763769600021 } from '../../../migrations/0021-asked-actions.ts'
import { Ends1763769600023 } from '../../../migrations/0023-ends.ts'
import { PinnedTargets1763769600025 } from '../../../migrations/0025-pinned-targets.ts'
import { CertificateSources1763769600026 } from '../../../migrations/0026-certificate-sources.ts'
import { OrderKeys1763769600027 } from '../../../migrations/0027-order-keys.ts'
import { Actions1763769600028 } from '../../../migrations/0028-actions.ts'
import { LostSessions1763769600029 } from '../../../migrations/0029-lost-sessions.ts'
import { Causes1763769600030 } from '../../../migrations/0030-causes.ts'
import { EarlierFailures1763769600031 } from '../../../migrations/0031-earlier-failures.ts'
import { type Patience, type Peers, poolOptions } from './database-client.ts'

/** A transaction, or the pool itself: whatever a statement may be sent through. */
export type Tx = Pick<EntityManager, 'query'>

/** What serves people: nobody waits longer for a page. */
export const HASTY: Patience = { statementMs: 20_000, lockMs: 10_000, answerMs: 25_000 }
/** What ends access: a batch of hundreds is a few statements of some milliseconds. */
export const URGENT: Patience = { statementMs: 10_000, lockMs: 8_000, answerMs: 12_000 }
/** What reads or rewrites whole tables. */
export const THOROUGH: Patience = { statementMs: 1_800_000, lockMs: 10_000, answerMs: 1_860_000 }

export function dataSourceOptions(url: string, poolSize: number, patience = HASTY, peers?: Peers): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    applicationName: 'latchkey',
    migrations: [
      Initial1763769600001,
      People1763769600002,
      Agency1763769600003,
      Tokens1763769600004,
      Provider1763769600005,
      Directory1763769600006,
      Decisions1763769600007,
      Proof1763769600008,
      Doors1763769600009,
      Lanes1763769600010,
      Openings1763769600011,
      Gaps1763769600013,
      Runs1763769600014,
      Hands1763769600015,
      OrderedRuns1763769600016,
      Subjects1763769600017,
      Promises1763769600018,
      Distribution1763769600019,
      Rotations1763769600020,
      AskedActions1763769600021,
      Ends1763769600023,
      PinnedTargets1763769600025,
      CertificateSources1763769600026,
      OrderKeys1763769600027,
      Actions1763769600028,
      LostSessions1763769600029,
      Causes1763769600030,
      EarlierFailures1763769600031,
    ],
    migrationsRun: false,
    migrationsTransactionMode: 'each',
    synchronize: false,
    poolSize,
    poolErrorHandler: () => {}, // a lost idle connection is replaced; statements report their own failures
    extra: poolOptions(patience, peers),
    logging: false,
  }
}

/** Sends one statement and returns its rows, whatever kind of statement it is. */
export async function rows<Row>(tx: Tx, statement: string, values: readonly unknown[] = []): Promise<Row[]> {
  const result: unknown = await tx.query(statement, [...values])
  // For update and delete TypeORM answers [rows, count].
  if (Array.isArray(result) && result.length === 2 && Array.isArray(result[0]) && typeof result[1] === 'number') return result[0]
  return result as Row[]
}

/** One row or undefined. */
export async function row<Row>(tx: Tx, statement: string, values: readonly unknown[] = []): Promise<Row | undefined> {
  return (await rows<Row>(tx, statement, values))[0]
}

/** Nothing decides about access by the clock of this process. */
export async function databaseNow(tx: Tx): Promise<Date> {
  return (await row<{ now: Date }>(tx, 'select clock_timestamp() as now'))!.now
}

/** The one stateful engine, through one pool. */
@Injectable()
export class Database implements OnApplicationShutdown {
  constructor(readonly source: DataSource) {}

  get pool(): Tx {
    return this.source.manager
  }

  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.source.transaction((manager) => work(manager))
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.source.isInitialized) await this.source.destroy()
  }
}

/** The same database for what takes its time: a few connections of its own, which nobody else waits for. */
@Injectable()
export class ThoroughDatabase extends Database {}

/** The same database through a pool of its own, so that ending access never waits for connections behind anything else. */
@Injectable()
export class UrgentDatabase extends Database {}
