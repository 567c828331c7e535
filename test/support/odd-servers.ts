import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const HEALTHY = { initialized: true, sealed: false, standby: false, version: '1.21.1' }

/** Servers that no real one can be made to be on demand. */
export class OddServers {
  private readonly stops: (() => Promise<unknown>)[] = []

  /** Answers whatever it is asked as given. */
  readonly odd = async (answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> => {
    const server = createServer(answer)
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    this.stops.push(() => new Promise((closed) => server.close(closed).closeAllConnections()))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** Healthy at `sys/health`, and everywhere else as given. */
  readonly behindHealth = (status: number, body: string, headers: Record<string, string> = {}): Promise<string> =>
    this.odd(({ url }, response) => {
      if (url?.startsWith('/v1/sys/health')) response.writeHead(200).end(JSON.stringify(HEALTHY))
      else response.writeHead(status, headers).end(body)
    })

  async stop(): Promise<void> {
    for (const stop of this.stops.toReversed()) await stop()
  }
}
