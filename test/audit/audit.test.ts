import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AuditEvent, record } from '../../src/audit/record.ts'
import { verifyExport } from '../../src/audit/verify-export.ts'
import { run } from '../../src/cli/main.ts'
import { Database } from '../../src/platform/postgres/database.ts'
import type { Api } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { type FreshDatabase, freshDatabase, within } from '../support/database.ts'
import { ownToken } from '../support/own-token.ts'

let broker: Broker
let auditor: Api
let folder: string
let database: FreshDatabase

const madeUp = (...events: (Omit<AuditEvent, 'data'> & { readonly data: object })[]) => events as readonly AuditEvent[]

beforeAll(async () => {
  database = await freshDatabase({ madeUpEvents: true })
  broker = await startBroker({ database })
  folder = await mkdtemp(path.join(tmpdir(), 'lk-audit-'))
  auditor = broker.api(await tokenOf('Audrey', ['auditor'], ['audit']))
  for (let i = 0; i < 30; i++) {
    await broker.app.get(Database).transaction((tx) =>
      record(
        tx,
        ...madeUp(
          { kind: 'grant.active', actor: 'usr_zoe', subject: `grt_${i}`, data: { note: 'a "word", a\nline and 🔑', i } },
          {
            kind: i % 2 ? 'grant.revoked' : 'request.submitted',
            actor: i % 3 ? 'broker' : 'usr_zoe',
            subject: `grt_${i}`,
            data: {},
          },
        ),
      ),
    )
  }
})
afterAll(async () => {
  await broker?.close()
  await database?.drop()
  await rm(folder, { recursive: true, force: true })
})

async function tokenOf(name: string, roles: string[], scopes: string[]): Promise<string> {
  const { admin } = broker
  const { id } = await admin.must(admin.post('/api/users', { name, roles }))
  return (await ownToken(broker.database, id, scopes)).token
}

const latchkey = async (...words: string[]) => {
  const printed: string[] = []
  const told: string[] = []
  const env = { DATABASE_URL: broker.database.url, LATCHKEY_CLI_URL: broker.url, LATCHKEY_CLI_TOKEN: 'none' }
  const code = await run(words, { env, print: (line) => printed.push(line), tell: (line) => told.push(line) })
  return { code, printed: printed.join('\n'), told: told.join('\n') }
}

/** Every entry a query finds, page by page. */
async function entries(query: string, limit = 7) {
  const found = []
  for (let cursor = ''; ; ) {
    const { items, next } = await auditor.must(auditor.get(`/api/audit?limit=${limit}${query}${cursor}`))
    expect(items.length).toBeLessThanOrEqual(limit)
    found.push(...items)
    if (next === null) return found
    cursor = `&cursor=${next}`
  }
}

/** What somebody does who may do anything in the database; undone afterwards. */
async function tampering(statement: string, undo: string, meanwhile: () => Promise<void>): Promise<void> {
  await within(broker.database.url, async (client) => {
    await client.query('set session_replication_role = replica')
    await client.query(statement)
    try {
      await meanwhile()
    } finally {
      await client.query(undo)
    }
  })
}

describe('the audit trail', () => {
  it('is read newest first, page by page, each entry once', async () => {
    const all = await entries('')
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: all.length }, (_, i) => all.length - i))
    expect(all.find(({ subject, kind }) => subject === 'grt_29' && kind === 'grant.active')).toEqual({
      seq: expect.any(Number),
      id: expect.stringMatching(/^aud_/),
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      kind: 'grant.active',
      actor: 'usr_zoe',
      subject: 'grt_29',
      doneWith: null,
      makers: null,
      address: null,
      data: { note: 'a "word", a\nline and 🔑', i: 29 },
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  it('is searched by subject, actor, kind, the beginning of a kind, and time', async () => {
    const all = await entries('')
    expect(await entries('&subject=grt_7')).toEqual(all.filter(({ subject }) => subject === 'grt_7'))
    expect(await entries('&actor=usr_zoe')).toHaveLength(40)
    expect(await entries('&kind=grant.revoked')).toHaveLength(15)
    expect(await entries('&kind=grant.')).toHaveLength(45)
    expect(await entries('&kind=grant.&actor=broker')).toHaveLength(10)
    const { at: from } = all.at(-10)
    const { at: to } = all.at(-20)
    expect(await entries(`&from=${from}&to=${to}`)).toEqual(all.filter(({ at }) => at >= from && at < to))
    expect((await auditor.get('/api/audit?kind=grant')).body).toMatchObject({ code: 'input.invalid', field: 'kind' })
    expect((await auditor.get('/api/audit?who=zoe')).body).toMatchObject({ code: 'input.invalid', field: 'who' })
  })

  it('is for admins and auditors with a token for it', async () => {
    const paths: ((api: Api) => Promise<{ status: number }>)[] = [
      (api) => api.get('/api/audit'),
      (api) => api.get('/api/audit/export'),
      (api) => api.post('/api/audit/verify'),
    ]
    const member = broker.api(await tokenOf('Max', ['member', 'owner', 'approver'], ['read', 'manage', 'audit']))
    const reader = broker.api(await tokenOf('Ann', ['auditor'], ['read']))
    for (const call of paths) {
      expect((await call(broker.api())).status).toBe(401)
      expect((await call(member)).status).toBe(403)
      expect((await call(reader)).status).toBe(403)
      expect((await call(auditor)).status).toBe(200)
      expect((await call(broker.admin)).status).toBe(200)
    }
  })

  it('is exported whole as lines of JSON, and verified elsewhere', async () => {
    const { text, headers } = await auditor.get('/api/audit/export')
    expect(headers['content-type']).toBe('application/x-ndjson')
    const lines = text.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual((await entries('', 200)).toReversed())
    const file = path.join(folder, 'export.jsonl')
    await writeFile(file, text)
    const { head } = await auditor.must(auditor.post('/api/audit/verify'))
    expect(await verifyExport(file, [head])).toEqual({ ok: true, events: lines.length, head, findings: [] })

    const tampered: [string, string[]][] = [
      ['deleted', lines.toSpliced(20, 1)],
      ['edited', lines.with(20, lines[20]!.replace(/"actor":"[^"]*"/, '"actor":"nobody"'))],
      ['reordered', lines.with(20, swapPlaces(lines[20]!, lines[30]!)).with(30, swapPlaces(lines[30]!, lines[20]!))],
      ['head', lines.slice(0, -3)],
    ]
    for (const [kind, changed] of tampered) {
      await writeFile(file, changed.join('\n'))
      const { ok, findings } = await verifyExport(file, [head])
      expect(ok).toBe(false)
      expect(findings).toContainEqual(expect.objectContaining({ kind }))
    }
  })

  it('is exported for a time as one stretch of the chain, which can be verified', async () => {
    const all = await entries('', 200)
    const { at: from } = all.at(-10)
    const { at: to } = all.at(-30)
    const { text } = await auditor.get(`/api/audit/export?from=${from}&to=${to}`)
    const file = path.join(folder, 'stretch.jsonl')
    await writeFile(file, text)
    expect(await verifyExport(file)).toMatchObject({ ok: true, events: 20 })
    expect((await auditor.get('/api/audit/export?from=2200-01-01T00:00:00Z')).text).toBe('')
  })

  it('is exported as CSV in which nothing is a formula', async () => {
    const evil = ['=1+1', '+1', '-1', '@SUM(A1)', '\tx']
    await broker.app
      .get(Database)
      .transaction((tx) =>
        record(tx, ...evil.map((actor) => ({ kind: 'target.restored' as const, actor, subject: 'a "b", c\nd', data: {} }))),
      )
    const { text, headers } = await auditor.get('/api/audit/export?format=csv')
    expect(headers['content-type']).toContain('text/csv')
    const [heading, ...records] = parseCsv(text)
    expect(heading).toEqual(['seq', 'id', 'at', 'kind', 'actor', 'subject', 'data', 'hash', 'doneWith', 'makers', 'address'])
    const all = (await entries('', 200)).toReversed()
    expect(records).toHaveLength(all.length)
    const formulas = records.filter(([, , , , , subject]) => subject === 'a "b", c\nd')
    expect(formulas.map(([, , , , actor]) => actor)).toEqual(evil.map((actor) => `'${actor}`))
    expect(JSON.parse(records.at(-6)![6]!)).toEqual(all.at(-6).data)
  })

  it('says over HTTP and at the command line that it is whole, and when it is not', async () => {
    const { body: whole } = await auditor.post('/api/audit/verify')
    expect(whole).toEqual({ ok: true, events: whole.head.seq, head: whole.head, findings: [] })
    expect(await latchkey('audit', 'verify')).toMatchObject({ code: 0, printed: expect.stringContaining(whole.head.hash) })

    const actor = (from: string, to: string) =>
      `update audit_events set actor = '${to}' where actor = '${from}' and id = (select event_id from audit_chain where seq = 20)`
    const seq20 = (await entries('')).find(({ seq }) => seq === 20)
    await tampering(actor(seq20.actor, 'nobody'), actor('nobody', seq20.actor), async () => {
      const finding = { kind: 'edited', seq: 20, eventId: seq20.id, detail: expect.any(String) }
      expect((await auditor.post('/api/audit/verify')).body).toMatchObject({ ok: false, findings: [finding] })
      const { code, printed, told } = await latchkey('audit', 'verify')
      expect(code).toBe(1)
      expect(printed).toMatch(new RegExp(`20 +edited +${seq20.id}`))
      expect(told).toContain('1 finding')
      expect(JSON.parse((await latchkey('audit', 'verify', '--json')).printed).findings).toMatchObject([finding])
    })
    const noted = `${whole.head.seq}:${whole.head.hash}`
    expect((await latchkey('audit', 'verify', '--head', noted)).code).toBe(0)
    const another = `${whole.head.seq}:${'0'.repeat(64)}`
    expect(await latchkey('audit', 'verify', '--head', another)).toMatchObject({
      code: 1,
      printed: expect.stringContaining('was noted'),
    })
  })

  it('is still read where somebody broke an entry', async () => {
    const broken = (body: string) => `update audit_events set body = '${body}', at = 'infinity' where subject = 'grt_3'`
    const before = await entries('&subject=grt_3')
    const undo = before.map(
      ({ id, at, data }) => `update audit_events set body = '${JSON.stringify(data)}', at = '${at}' where id = '${id}'`,
    )
    await tampering(broken('{'), undo.join(';'), async () => {
      expect(await entries('&subject=grt_3')).toMatchObject([{ at: 'infinity', data: '{' }, { data: '{' }])
      expect((await auditor.get('/api/audit/export')).status).toBe(200)
      expect((await auditor.post('/api/audit/verify')).body.findings).toHaveLength(2)
    })
    expect((await auditor.post('/api/audit/verify')).body.ok).toBe(true)
  })

  it('is exported and verified at the command line without the daemon, from the database or from a file', async () => {
    const { printed } = await latchkey('audit', 'export', '--format', 'jsonl')
    expect(`${printed}\n`).toBe((await auditor.get('/api/audit/export')).text)
    const file = path.join(folder, 'offline.jsonl')
    await writeFile(file, printed)
    const { head } = await auditor.must(auditor.post('/api/audit/verify'))
    const expected = `${head.seq}:${head.hash}`
    expect((await latchkey('audit', 'verify', '--file', file, '--head', expected)).code).toBe(0)
    await writeFile(file, (await readFile(file, 'utf8')).split('\n').slice(0, -2).join('\n'))
    expect((await latchkey('audit', 'verify', '--file', file)).code).toBe(0)
    const cut = await latchkey('audit', 'verify', '--file', file, '--head', expected)
    expect(cut).toMatchObject({ code: 1, printed: expect.stringContaining('head') })
    await writeFile(file, '{"seq":1')
    expect(await latchkey('audit', 'verify', '--file', file)).toMatchObject({
      code: 1,
      told: expect.stringContaining(`${file}:1`),
    })
    expect((await latchkey('audit', 'verify', '--file', file, '--head', '17')).code).toBe(2)
    expect((await latchkey('audit', 'export', '--format', 'xml')).code).toBe(2)
  })
})

/** The second line's entry at the first line's place. */
function swapPlaces(place: string, content: string): string {
  const { seq } = JSON.parse(place)
  return JSON.stringify({ ...JSON.parse(content), seq })
}

/** As a reader of RFC 4180 sees it. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [[]]
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    records.at(-1)!.push((quoted ?? bare ?? '').replaceAll('""', '"'))
    if (end === '\r\n') records.push([])
  }
  return records.slice(0, -1)
}
