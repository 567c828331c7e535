import http from 'node:http'
import type { Socket } from 'node:net'
import { ExpressAdapter } from '@nestjs/platform-express'
import type { NextFunction, Request, Response } from 'express'
import { ERRORS } from '../../sdk/index.ts'

/** Access tokens hold hundreds of groups at some companies. */
const LARGEST_HEADERS = 64 * 1024

type Handler = (request: Request, response: Response, next: NextFunction) => unknown

/** Takes headers of such tokens, and answers in words what is larger still. Closes when everything it took on is answered. */
export class HttpServer extends ExpressAdapter {
  private readonly connections = new Set<Socket>()
  private readonly answering = new Map<Response, Promise<unknown>>()

  constructor() {
    super()
    const routes = this as unknown as Record<string, (path: string, handler: Handler) => unknown>
    for (const method of ['get', 'post', 'put', 'patch', 'delete']) {
      const register = routes[method]!.bind(this)
      routes[method] = (path, handler) => register(path, this.followed(handler))
    }
  }

  override initHttpServer(): void {
    const server = http.createServer({ maxHeaderSize: LARGEST_HEADERS }, this.getInstance())
    server.on('connection', (socket) => {
      this.connections.add(socket)
      socket.once('close', () => this.connections.delete(socket))
    })
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
      socket.end(error.code === 'HPE_HEADER_OVERFLOW' ? TOO_LARGE : 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    })
    this.setHttpServer(server)
  }

  /** Lets go of connections that nobody is about to answer on: half a request, or an answer that its caller does not read. */
  closeIdle(): void {
    const waiting = [...this.answering.keys()].filter((response) => !response.headersSent)
    const busy = new Set(waiting.map((response) => response.req.socket))
    for (const socket of this.connections) if (!busy.has(socket)) socket.destroy()
  }

  /** The database goes after this: work on an answer must have come to an end, even if its caller went away. */
  override async close(): Promise<void> {
    for (const response of this.answering.keys()) if (!response.headersSent) response.setHeader('Connection', 'close')
    await super.close()
    while (this.answering.size > 0) await Promise.allSettled(this.answering.values())
  }

  private followed(handler: Handler): Handler {
    return (request, response, next) => {
      const answered = Promise.resolve(handler(request, response, next)).finally(() => this.answering.delete(response))
      this.answering.set(response, answered)
      return answered
    }
  }
}

const TOO_LARGE = answer({
  type: 'urn:latchkey:problem:input.too_large',
  title: ERRORS['input.too_large'].meaning,
  status: 431,
  code: 'input.too_large',
  message: 'the headers are larger than 64 KiB, as with an access token that names very many groups',
  fix: 'ask an admin: the provider must put fewer groups into access tokens, or send them only in userinfo',
  requestId: 'none',
})

function answer(problem: object): string {
  const body = JSON.stringify(problem)
  return [
    'HTTP/1.1 431 Request Header Fields Too Large',
    'Connection: close',
    'Cache-Control: no-store',
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}
