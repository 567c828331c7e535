import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects
  readonly body: any
}

/** What a receiver does with a message: a status, or something of its own with the answer (nothing at all is silence). */
export type Reply = number | ((response: ServerResponse, received: Received) => void)

/** Somebody who is told by webhook, on the loopback. */
export interface Receiver {
  readonly url: string
  readonly port: number
  /** in the order of arrival, whatever became of them */
  readonly received: Received[]
  reply: Reply
  close(): Promise<void>
}

export async function startReceiver(host = '127.0.0.1', port = 0): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8')
      const one = { path: request.url ?? '', headers: request.headers, text, body: text === '' ? undefined : JSON.parse(text) }
      received.push(one)
      if (typeof receiver.reply === 'function') receiver.reply(response, one)
      else response.writeHead(receiver.reply).end('thank you')
    })
  })
  server.listen(port, host)
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port
  const receiver: Receiver = {
    url: `http://${host}:${bound}/hook`,
    port: bound,
    received,
    reply: 204,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return receiver
}
