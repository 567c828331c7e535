import { Agent } from 'undici'
import { ERRORS } from '../../src/sdk/errors.ts'
import type { BadBody } from './bad-bodies.ts'
import type { Broker } from './broker.ts'

export interface Reply {
  readonly status: number
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever came
  readonly body: any
}

/** Calls that nobody means well by, as they are: no library tidies them up on the way. */
export class BadCalls {
  private readonly agent = new Agent({ connections: 8, allowH2: false })

  constructor(private readonly broker: Broker) {}

  close(): Promise<void> {
    return this.agent.destroy()
  }

  /** As the admin, unless `headers` is the whole list of them. */
  async send(
    method: string,
    path: string,
    raw?: string,
    headers: Record<string, string | undefined> | string[] = {},
  ): Promise<Reply> {
    const own = {
      authorization: `Bearer ${this.broker.adminToken}`,
      ...(raw !== undefined && { 'content-type': 'application/json' }),
    }
    const answer = await this.agent.request({
      origin: this.broker.url,
      method: method as 'GET',
      path,
      headers: Array.isArray(headers) ? headers : { ...own, ...headers },
      body: raw,
    })
    const text = await answer.body.text()
    const type = String(answer.headers['content-type'] ?? '')
    return { status: answer.statusCode, type, body: type.includes('json') && text ? JSON.parse(text) : text }
  }

  /** Sends all, a few at once, and answers what was wrong with any of the answers. */
  async complaints(cases: readonly BadBody[], post: (raw: string) => Promise<Reply>): Promise<string[]> {
    const found: string[] = []
    const waiting = [...cases]
    const work = async () => {
      for (let one = waiting.shift(); one; one = waiting.shift()) {
        const reply = await post(one.raw)
        const flaw = one.must === 'refused' ? flawOf(reply, one.field) : reply.status >= 400 ? flawOf(reply) : undefined
        if (flaw) found.push(`${one.what}: ${flaw}`)
      }
    }
    await Promise.all(Array.from({ length: 8 }, work))
    return found
  }

  /** Of every table how many rows it has and their sum, but for what every call writes and what the broker does on its own. */
  async contents(): Promise<Record<string, string>> {
    const tables = await this.broker.database.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public' and tablename not in ('due_work', 'notification_cursor')`,
    )
    const parts = tables.map(({ name }) => {
      const row = name === 'api_tokens' ? `(to_jsonb(t) - 'last_used_at')::text` : 'to_jsonb(t)::text'
      return `select '${name}' as name, count(*) || ' ' || coalesce(md5(string_agg(${row}, '|' order by ${row})), '') as sum from ${name} t`
    })
    const sums = await this.broker.database.query<{ name: string; sum: string }>(parts.join(' union all '))
    return Object.fromEntries(sums.map(({ name, sum }) => [name, sum]))
  }
}

/** What is wrong with an answer that should refuse; undefined when nothing is. */
export function flawOf({ status, type, body }: Reply, field?: string): string | undefined {
  if (status < 400 || status >= 500) return `answered ${status}: ${JSON.stringify(body)}`
  if (!type.startsWith('application/problem+json')) return `is no problem but ${type}`
  if (!(body.code in ERRORS) || !body.message || !body.requestId) return `says too little: ${JSON.stringify(body)}`
  if (/undefined|\[object /.test(body.message)) return `says ${body.message}`
  if (!field || status !== 400) return undefined
  const named: string[] = [body.field ?? '', ...(body.issues ?? []).map((issue: { field: string }) => issue.field)]
  const fits = named.some((one) => one !== '' && (one === field || one.startsWith(`${field}.`) || field.startsWith(`${one}.`)))
  return fits ? undefined : `names ${named} instead of ${field}: ${body.message}`
}
