import type { IncomingMessage } from 'node:http'
import { Controller, Get, Header, Logger, Req } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { BrokerError } from '../../sdk/index.ts'
import { DueWork } from '../due/due-work.ts'
import { Public } from '../http/allowed-for.ts'
import { Database, row } from '../postgres/database.ts'
import { Metrics } from './metrics.ts'
import { METRICS_TYPE, MetricsServer } from './metrics-server.ts'
import { Readiness } from './readiness.ts'

const PATIENCE_MS = 2_000

@ApiExcludeController()
@Controller()
@Public()
export class HealthController {
  private readonly log = new Logger(HealthController.name)

  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly readiness: Readiness,
    private readonly metrics: Metrics,
    private readonly metricsServer: MetricsServer,
  ) {}

  /** The process answers. Asks nobody else: restarting us does not repair a database. */
  @Get('livez')
  live() {
    return { status: 'ok' }
  }

  /** Whether we do our work: the database takes what we write, and what is due is looked at. Migrations are done before we listen. */
  @Get('readyz')
  @Header('cache-control', 'no-store')
  async ready() {
    await this.ping()
    const silent = this.work.silentLanes
    if (silent.length > 0) throw unready(`due work was not looked at lately: ${silent.join(', ')}`)
    const degraded = this.readiness.degraded
    return { status: degraded.length === 0 ? 'ok' : 'degraded', degraded: degraded.map(({ name }) => name) }
  }

  /** Of this machine, unless the metrics have an address of their own. */
  @Get('metrics')
  @Header('content-type', METRICS_TYPE)
  @Header('cache-control', 'no-store')
  scrape(@Req() request: IncomingMessage) {
    if (!this.metricsServer.admits(request)) throw new BrokerError('not_found', 'there is nothing at this path')
    return this.metrics.text()
  }

  private async ping(): Promise<void> {
    const late = AbortSignal.timeout(PATIENCE_MS)
    const waited = new Promise<never>((_resolve, reject) => {
      late.addEventListener('abort', () => reject(late.reason), { once: true })
    })
    let isReadOnly: boolean | undefined
    try {
      const asked = row<{ isReadOnly: boolean }>(
        this.database.pool,
        `select current_setting('transaction_read_only')::boolean as "isReadOnly"`,
      )
      isReadOnly = (await Promise.race([asked, waited]))?.isReadOnly
    } catch (error) {
      this.log.warn({ error }, 'the database does not answer')
      throw unready('the database does not answer', error)
    }
    if (isReadOnly) throw unready('the database takes no writes: it is a standby, or was made read-only')
  }
}

function unready(what: string, cause?: unknown): BrokerError {
  return new BrokerError('unavailable', what, { cause })
}
