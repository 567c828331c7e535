import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { deadline } from '../../src/platform/pacing/deadline.ts'
import { refusalOfDatabase } from '../../src/platform/postgres/database-errors.ts'
import { BrokerError } from '../../src/sdk/index.ts'
import { startToyGrants, type ToyGrants } from '../support/toy-grants.ts'

describe('what was approved', () => {
  let toys: ToyGrants

  beforeAll(async () => {
    toys = await startToyGrants()
  })
  afterEach(() => {
    delete toys.hooks.execute
    delete toys.hooks.rollback
  })
  afterAll(() => toys?.close())

  /** The next execution does this and fails; those after it succeed. */
  function failOnce(error: unknown, first: () => Promise<unknown> = async () => {}): void {
    let failed = false
    toys.hooks.execute = async () => {
      if (failed) return
      failed = true
      await first()
      throw error
    }
  }
  const query = (statement: string) => toys.broker.database.query(statement)

  it.each([
    ['a fault nobody knows the meaning of', new TypeError('cannot read properties of undefined')],
    ['a call that was given up', new DOMException('aborted', 'AbortError')],
    ['a target that is away', new BrokerError('target.unreachable', 'not now')],
  ])('is given in spite of %s', async (_name, error) => {
    failOnce(error)
    await toys.grant()
  })

  it('is given although it waited for longer than the patience before the first try', async () => {
    failOnce(new BrokerError('target.unreachable', 'not now'), () =>
      query(`update grants set created_at = now() - interval '1 h'`),
    )
    await toys.grant()
  })

  it('has the work of its end from the commit that makes it active, at its end', async () => {
    const grantId = await toys.grant()
    const [work] = await toys.broker.database.query(
      `select w.xmin = g.xmin as "sameCommit", w.run_at = g.expires_at as "atItsEnd" from grants g
       join due_work w on w.subject = g.id and w.kind = 'grant.end' where g.id = $1`,
      [grantId],
    )
    expect(work).toEqual({ sameCommit: true, atItsEnd: true })
  })

  it('leaves every turn of its way in the trail, once', async () => {
    const grantId = await toys.grant()
    await toys.giveBack(grantId)
    await toys.until(grantId, 'revoked')
    const events = await toys.broker.database.query<{ kind: string }>(
      `select kind from audit_events where subject = $1 and kind like 'grant.%' order by id`,
      [grantId],
    )
    expect(events.map(({ kind }) => kind)).toEqual(['grant.provisioning', 'grant.active', 'grant.revoking', 'grant.revoked'])
  })

  it('is given up and cleaned when it fails for longer than the patience since the first try', async () => {
    failOnce(new BrokerError('target.unreachable', 'not now'), () =>
      query(`set session_replication_role = replica;
        update audit_events set at = at - interval '16 min' where kind = 'grant.provisioning'`),
    )
    const grantId = await toys.request()
    await toys.until(grantId, 'failed')
  })

  it('is given up at once when the target says that it will never do it', async () => {
    failOnce(new BrokerError('target.invalid', 'malformed'))
    await toys.until(await toys.request(), 'failed')
  })

  it('ends although the target says why not in words that no database takes, and so does what ends beside it', async () => {
    const grants = [await toys.grant(), await toys.grant(), await toys.grant()]
    let failed = false
    toys.hooks.rollback = async () => {
      if (failed) return
      failed = true
      throw new BrokerError('target.failed', 'odd \0 words \ud800', { fix: 'none \0' })
    }
    await Promise.all(grants.map((grantId) => toys.giveBack(grantId)))
    for (const grantId of grants) await toys.until(grantId, 'revoked')
    expect(toys.broker.log.filter((line) => /due work|cut could not|22P05|22021/.test(line))).toEqual([])
  })
})

describe('a deadline', () => {
  it('ends a call with a reason that is told, and tried again', async () => {
    const signal = deadline(1)
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    expect(signal.reason).toMatchObject({ code: 'target.timeout', retryable: true })
  })
})

describe('a failure of the database', () => {
  const postgres = (code: string) => Object.assign(new Error('as PostgreSQL says it'), { code, severity: 'ERROR' })
  const system = (code: string) => Object.assign(new Error('as Node says it'), { code })
  const worded = (message: string, name = 'Error') => Object.assign(new Error(message), { name })

  it.each([
    ['it stood still in a transaction', postgres('25P03')],
    ['it takes no writes', postgres('25006')],
    ['it is shutting down', postgres('57P01')],
    ['its disk fails', postgres('58030')],
    ['its disk is full', postgres('53100')],
    ['it has no connection left', postgres('53300')],
    ['it lost a race', postgres('40001')],
    ['it waited for a lock', postgres('55P03')],
    ['it took too long', postgres('57014')],
    ['it may not be entered now', postgres('28P01')],
    ['no name of it is known', system('ENOTFOUND')],
    ['no name server answers', system('EAI_AGAIN')],
    ['there is no way to its host', system('EHOSTUNREACH')],
    ['there is no way to its net', system('ENETUNREACH')],
    ['the connection was reset', system('ECONNRESET')],
    ['no answer came', system('ETIMEDOUT')],
    ['the connection ended', worded('Connection terminated unexpectedly')],
    ['the connection had ended', worded('Client has encountered a connection error and is not queryable')],
    ['no connection was free', worded('timeout exceeded when trying to connect')],
    ['the connection was lost between two statements', worded('Query runner already released. Cannot run queries anymore.')],
    [
      'it was lost in a transaction',
      worded('Database connection provided by a query runner was already released', 'QueryRunnerProviderAlreadyReleasedError'),
    ],
    ['TypeORM wraps it', Object.assign(worded('odd', 'QueryFailedError'), { driverError: postgres('25P03'), code: '25P03' })],
  ])('passes: %s', (_name, error) => {
    expect(refusalOfDatabase(error)).toMatchObject({ code: 'unavailable', retryable: true })
  })

  it.each([
    ['a rule', postgres('23514')],
    ['bad data', postgres('22P02')],
    ['a mistake in a statement', postgres('42601')],
    ['a statement after a failed one', postgres('25P02')],
    ['a bug', new TypeError('cannot read properties of undefined')],
    ['a refusal of ours', new BrokerError('conflict', 'no')],
  ])('is a fault of ours: %s', (_name, error) => {
    expect(refusalOfDatabase(error)).toBeUndefined()
  })
})
