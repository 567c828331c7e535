import { Agent, request } from 'undici'

export interface ApiAnswer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: the server's JSON as it came; a test says what it expects of it
  readonly body: any
}

/** One call on the server's HTTP API; `path` as after `/v1/`, with its query if any. */
export type VaultApi = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<ApiAnswer>

/** A plain caller for tests and set-up: it retries nothing, and any status is an answer. `token` is asked for at every call. */
export function vaultApi(address: string, caPem: string | undefined, token: () => string | undefined): VaultApi {
  // No kept connections: the server at the other end is killed, paused and restarted at will.
  const dispatcher = new Agent({ pipelining: 0, connect: { ca: caPem } })
  return async (method, path, body, headers) => {
    const answer = await request(`${address}/v1/${path}`, {
      method,
      dispatcher,
      headers: { 'x-vault-request': 'true', 'x-vault-token': token() ?? '', 'content-type': 'application/json', ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await answer.body.text()
    return { status: answer.statusCode, body: text === '' ? undefined : JSON.parse(text) }
  }
}
