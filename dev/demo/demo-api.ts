import { request } from 'undici'
import type { Problem } from '../../src/contract/problem.ts'

type Method = 'GET' | 'POST'

/** Calls the broker's public API as one person. */
export class DemoApi {
  constructor(
    private readonly url: string,
    /** the headers that say who calls */
    private readonly credential: () => Readonly<Record<string, string>>,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.must<T>('GET', path)
  }

  post<T>(path: string, body?: unknown): Promise<T> {
    return this.must<T>('POST', path, body)
  }

  /** For a call that ought to be refused: the problem, or undefined when the broker did it. */
  async refusal(path: string, body?: unknown): Promise<Problem | undefined> {
    const { status, answer } = await this.send('POST', path, body)
    return status >= 400 ? (answer as Problem) : undefined
  }

  private async must<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const { status, answer } = await this.send(method, path, body)
    if (status < 400) return answer as T
    const { message, fix } = answer as Problem
    throw new Error(`${method} ${path} was answered ${status}: ${[message, fix].filter(Boolean).join('; ')}`)
  }

  private async send(method: Method, path: string, body?: unknown): Promise<{ status: number; answer: unknown }> {
    const { statusCode, body: answer } = await request(this.url + path, {
      method,
      headers: { ...this.credential(), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? null : JSON.stringify(body),
    })
    return { status: statusCode, answer: await answer.json() }
  }
}

export const bearer = (token: string) => () => ({ authorization: `Bearer ${token}` })
