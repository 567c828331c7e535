import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Answer, Api } from './api.ts'
import type { MatrixWorld } from './matrix-world.ts'

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: unknown
}

/** One call by one person on one thing, and what must come of it. */
export interface Cell {
  readonly name: string
  readonly api: Api
  readonly call: Call
  /** `403 access.self_approval`: the status, and the code where it matters */
  readonly expected: string
  /** of a thing that is not there for this person: the same call about a thing that is not there at all */
  readonly absent?: Call
}

const AT_ONCE = 12
// What the broker does for one at a time, for every caller.
const IN_TURN = /^\/api\/audit\/(export|verify)\b/

/** Makes all the calls, some at once, and answers which came out otherwise. */
export async function wrongCells(cells: readonly Cell[]): Promise<string[]> {
  const wrong: string[] = []
  const make = async (waiting: Iterable<Cell>) => {
    for (const cell of waiting) {
      const answer = await send(cell.api, cell.call)
      const flaw = flawOf(cell, answer) ?? (await differenceOf(cell, answer))
      if (flaw) wrong.push(`${cell.name}: ${flaw}`)
    }
  }
  const waiting = cells.filter(({ call }) => !IN_TURN.test(call.path)).values()
  const inTurn = cells.filter(({ call }) => IN_TURN.test(call.path))
  await Promise.all([make(inTurn), ...Array.from({ length: AT_ONCE }, () => make(waiting))])
  return wrong
}

/** What is done to a thing must leave no trace when it is refused, and reading leaves none either. */
export function changesNothing({ call, expected }: Cell): boolean {
  return call.method === 'GET' || Number.parseInt(expected, 10) >= 400
}

function send(api: Api, { method, path, body }: Call): Promise<Answer> {
  return api.send(method, path, body)
}

function flawOf({ expected }: Cell, { status, body, text }: Answer): string | undefined {
  const [wanted, code] = expected.split(' ')
  if (String(status) !== wanted) return `expected ${expected}, and it was ${status} ${text.slice(0, 160)}`
  return code === undefined || body?.code === code ? undefined : `expected ${code}, and it was ${body?.code}`
}

/** "Not yours" and "not there" are one answer, to the letter. */
async function differenceOf({ api, call, absent }: Cell, { body }: Answer): Promise<string | undefined> {
  if (!absent) return undefined
  const other = await send(api, absent)
  const plain = (answer: unknown, path: string) =>
    JSON.stringify({ ...(answer as object), requestId: '' }).replaceAll(/[a-z]{3}_[0-9a-z]{26}/.exec(path)?.[0] ?? '\0', '…')
  const [mine, none] = [plain(body, call.path), plain(other.body, absent.path)]
  return mine === none ? undefined : `is told ${mine}, and of what is not there ${none}`
}

// What the broker writes by itself, or with every call.
const BY_ITSELF: Record<string, readonly string[]> = {
  api_tokens: ['last_used_at'],
  scim_tokens: ['last_used_at'],
  integrations: ['health', 'health_at', 'guarantees'],
  integration_secrets: ['sealed', 'changed_at'],
}

// Who was refused is written down, and nothing else may be.
const REFUSALS = `kind not in ('sign_in.refused', 'call.refused')`

const SOON = `run_at < clock_timestamp() + interval '50 min'`

/**
 * Compares rows while the broker does nothing by itself: what it looks at each minute it looks at now, and everything that is due later is due
 * an hour later until this is over.
 */
export async function beingLeftAlone({ query }: Pick<MatrixWorld, 'query'>, compare: () => Promise<void>): Promise<void> {
  await query(
    `insert into due_work (lane, kind, subject, run_at) values ('background', 'directory.changed', 'people', now())
     on conflict (kind, subject) do update set run_at = now()`,
  )
  await contents({ query })
  const postponed: unknown[] = []
  // What is under way comes back with a time of its own when it is tried again: until nothing is, once more.
  await waitFor('the broker to have nothing to do within the hour', async () => {
    postponed.push(
      ...(await query(
        `update due_work set run_at = run_at + interval '1 hour' where locked_by is null and ${SOON} returning kind, subject`,
      )),
    )
    const [busy] = await query(`select 1 from due_work where locked_by is not null or ${SOON} limit 1`)
    return !busy
  })
  try {
    await compare()
  } finally {
    // And nothing else: what is due in an hour by its own schedule would be done now, in the midst of the cells that follow.
    await query(
      `update due_work w set run_at = run_at - interval '1 hour'
       from (select distinct kind, subject from jsonb_to_recordset($1::jsonb) as p (kind text, subject text)) as p
       where w.kind = p.kind and w.subject = p.subject and not ${SOON}`,
      [JSON.stringify(postponed)],
    )
  }
}

/** Of every table its rows, as a sum; and once nothing is on its way any more. The audit trail by its events: the chain follows from them. */
export async function contents({ query }: Pick<MatrixWorld, 'query'>): Promise<Record<string, string>> {
  const tables = await query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename not in ('due_work', 'notification_cursor', 'audit_chain', 'audit_head')`,
  )
  const parts = tables.map(({ name }) => {
    const row = `(to_jsonb(t) - '{${(BY_ITSELF[name] ?? []).join()}}'::text[])::text`
    return `select '${name}' as name, count(*) || ' ' || coalesce(md5(string_agg(${row}, '|' order by ${row})), '') as sum from ${name} t
      where ${name === 'audit_events' ? REFUSALS : 'true'}`
  })
  for (let before = ''; ; ) {
    const sums = await query<{ name: string; sum: string }>(parts.join(' union all '))
    const now = Object.fromEntries(sums.map(({ name, sum }) => [name, sum]))
    const [busy] = await query('select 1 from due_work where run_at < clock_timestamp() limit 1')
    if (!busy && JSON.stringify(now) === before) return now
    before = JSON.stringify(now)
  }
}
