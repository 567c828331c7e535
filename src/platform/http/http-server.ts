import http from 'node:http'
import { ExpressAdapter } from '@nestjs/platform-express'
import { ERRORS } from '../../sdk/index.ts'

/** Access tokens hold hundreds of groups at some companies. */
const LARGEST_HEADERS = 64 * 1024

/** Takes headers of such tokens, and answers in words what is larger still. */
export class HttpServer extends ExpressAdapter {
  override initHttpServer(): void {
    const server = http.createServer({ maxHeaderSize: LARGEST_HEADERS }, this.getInstance())
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
      socket.end(error.code === 'HPE_HEADER_OVERFLOW' ? TOO_LARGE : 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    })
    this.setHttpServer(server)
  }
}

const TOO_LARGE = answer({
  type: 'urn:latchkey:problem:input.too_large',
  title: ERRORS['input.too_large'].meaning,
  status: 431,
  code: 'input.too_large',
  message: 'the headers are larger than 64 KiB: an access token with very many groups is',
  fix: 'ask an admin: the provider has to put fewer groups into access tokens, or tell them in userinfo alone',
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
