import { type Dispatcher, request } from 'undici'

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects of the body
  readonly body: any
}

export interface Extras {
  readonly headers?: Record<string, string>
  /** sent as it is instead of a JSON body */
  readonly raw?: string | Buffer
}

/** Calls the broker as one person does. A refusal is an answer like any other. */
export class Api {
  constructor(
    private readonly url: string,
    private readonly dispatcher: Dispatcher,
    private readonly token?: string,
  ) {}

  get(path: string, extras?: Extras): Promise<Answer> {
    return this.send('GET', path, undefined, extras)
  }

  post(path: string, body?: unknown, extras?: Extras): Promise<Answer> {
    return this.send('POST', path, body, extras)
  }

  put(path: string, body?: unknown, extras?: Extras): Promise<Answer> {
    return this.send('PUT', path, body, extras)
  }

  patch(path: string, body?: unknown, extras?: Extras): Promise<Answer> {
    return this.send('PATCH', path, body, extras)
  }

  delete(path: string, extras?: Extras): Promise<Answer> {
    return this.send('DELETE', path, undefined, extras)
  }

  /** The body of an answer that must be a success: for building the world a test needs. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  async must(answer: Promise<Answer>): Promise<any> {
    const { status, body, text } = await answer
    if (status >= 400) throw new Error(`the broker answered ${status}: ${text}`)
    return body
  }

  async send(method: Dispatcher.HttpMethod, path: string, body?: unknown, extras: Extras = {}): Promise<Answer> {
    const headers: Record<string, string> = {
      ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
      ...(body === undefined && extras.raw === undefined ? {} : { 'content-type': 'application/json' }),
      ...extras.headers,
    }
    const answer = await request(this.url + path, {
      method,
      headers,
      body: extras.raw ?? (body === undefined ? null : JSON.stringify(body)),
      dispatcher: this.dispatcher,
    })
    const text = await answer.body.text()
    const isJson = /\bjson\b/.test(String(answer.headers['content-type'] ?? ''))
    return { status: answer.statusCode, headers: answer.headers, text, body: isJson ? JSON.parse(text) : undefined }
  }
}
