import { Pool } from 'undici'

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: JSON of the broker or of the server; the caller says what it expects
  readonly body: any
}

/** A bare client: kept connections, no retries, no journal. The broker under test and its peers are called through the same one. */
export class Caller {
  private constructor(
    private readonly pool: Pool,
    private readonly headers: Record<string, string>,
  ) {}

  static to(origin: string, headers: Record<string, string>, connections = 128): Caller {
    return new Caller(new Pool(origin, { connections, pipelining: 1, allowH2: false }), headers)
  }

  /** The same connections, another person. */
  as(headers: Record<string, string>): Caller {
    return new Caller(this.pool, headers)
  }

  async send(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer> {
    const answer = await this.pool.request({
      method,
      path,
      headers: { ...this.headers, ...(body && { 'content-type': 'application/json' }), ...headers },
      body: body ? JSON.stringify(body) : null,
    })
    const text = await answer.body.text()
    return { status: answer.statusCode, body: text === '' ? undefined : JSON.parse(text) }
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  async must(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<any> {
    const answer = await this.send(method, path, body, headers)
    if (answer.status < 400) return answer.body
    throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  }

  close(): Promise<void> {
    return this.pool.destroy()
  }
}
