import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common'
import { isLoopback } from '../../config/loopback.ts'
import type { MetricsAddress } from '../../config/metrics-address.ts'
import type { Metrics } from './metrics.ts'

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
const RELAYED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

/** Who may read the metrics: with an address of their own everybody who reaches that, otherwise this machine alone. */
export class MetricsServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private server: Server | undefined

  constructor(
    private readonly metrics: Metrics,
    private readonly address: MetricsAddress | undefined,
  ) {}

  /** Whether a call at the daemon's own port may have them. What a proxy on this machine relays is not from this machine. */
  admits({ socket, headers }: IncomingMessage): boolean {
    const from = socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
    return this.address === undefined && isLoopback(from) && !RELAYED.some((name) => headers[name] !== undefined)
  }

  /** Where it listens; undefined when the metrics have no address of their own. */
  get at(): ReturnType<Server['address']> | undefined {
    return this.server?.address()
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.address) return
    this.server = createServer((request, response) => {
      const isWanted = request.method === 'GET' && request.url?.split('?')[0] === '/metrics'
      const text = isWanted ? this.metrics.text() : Promise.reject(new Error('only /metrics is served here'))
      text.then(
        (body) => response.writeHead(200, { 'content-type': METRICS_TYPE, 'cache-control': 'no-store' }).end(body),
        () => response.writeHead(isWanted ? 500 : 404).end(),
      )
    })
    this.server.listen(this.address.port, this.address.host)
    await once(this.server, 'listening') // rejects where the address is taken, and stops the start
  }

  onApplicationShutdown(): void {
    this.server?.closeAllConnections()
    this.server?.close()
  }
}
