import { Controller, Get, Header, Logger } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { BrokerError } from '../sdk/index.ts'
import { Public } from './access.ts'
import { Database, rows } from './database.ts'
import { Metrics } from './metrics.ts'
import { Readiness } from './readiness.ts'

const PATIENCE_MS = 2_000

@ApiExcludeController()
@Controller()
@Public()
export class HealthController {
  private readonly log = new Logger(HealthController.name)

  constructor(
    private readonly database: Database,
    private readonly readiness: Readiness,
    private readonly metrics: Metrics,
  ) {}

  /** The process answers. Asks nobody else: restarting us does not repair a database. */
  @Get('livez')
  live() {
    return { status: 'ok' }
  }

  /** Whether to send us calls. Migrations are done before we listen, so an answering database is enough. */
  @Get('readyz')
  @Header('cache-control', 'no-store')
  async ready() {
    await this.ping()
    const degraded = this.readiness.degraded
    return { status: degraded.length === 0 ? 'ok' : 'degraded', degraded: degraded.map(({ name }) => name) }
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @Header('cache-control', 'no-store')
  scrape() {
    return this.metrics.text()
  }

  private async ping(): Promise<void> {
    const late = AbortSignal.timeout(PATIENCE_MS)
    const waited = new Promise<never>((_resolve, reject) => {
      late.addEventListener('abort', () => reject(late.reason), { once: true })
    })
    try {
      await Promise.race([rows(this.database.pool, 'select 1'), waited])
    } catch (error) {
      this.log.warn({ error }, 'the database does not answer')
      throw new BrokerError('unavailable', 'the database does not answer', { cause: error })
    }
  }
}
