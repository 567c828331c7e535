import { gzipSync } from 'node:zlib'
import { Body, Controller, Get, Module, Post } from '@nestjs/common'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { text } from '../../src/contract/text.ts'
import { durationSeconds } from '../../src/contract/time.ts'
import { Public } from '../../src/platform/http/allowed-for.ts'
import { Readiness } from '../../src/platform/watching/readiness.ts'
import { BrokerError } from '../../src/sdk/index.ts'
import { type Broker, startBroker } from '../support/broker.ts'

const parcel = z.strictObject({
  label: text({ max: 10 }),
  seconds: durationSeconds,
  tags: z.array(z.strictObject({ key: z.string() })).optional(),
  free: z.record(z.string(), z.json()).optional(),
})

@Controller('probe')
@Public()
class ProbeController {
  @Post('parcel')
  parcel(@Body({ schema: parcel }) body: z.infer<typeof parcel>) {
    return body
  }

  @Get('bug')
  bug() {
    throw new Error('the password is hunter2')
  }

  @Get('busy')
  busy() {
    throw new BrokerError('target.busy', 'the target limits the rate of calls', { retryAfterMs: 1500, fix: 'wait' })
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

let broker: Broker
beforeAll(async () => {
  broker = await startBroker({ modules: [ProbeModule] })
})
afterAll(() => broker?.close())

const good = { label: 'a', seconds: 60 }
const post = (body: unknown) => broker.api().post('/probe/parcel', body)
const postRaw = (raw: string | Buffer, headers: Record<string, string> = {}) =>
  broker.api().post('/probe/parcel', undefined, { raw, headers })

describe('the HTTP shell', () => {
  it('says that it lives and that it is ready', async () => {
    expect((await broker.api().get('/livez')).body).toEqual({ status: 'ok' })
    expect(await broker.api().get('/readyz')).toMatchObject({ status: 200, body: { status: 'ok', degraded: [] } })
  })

  it('stays ready while an integration’s session is lost, and names it', async () => {
    const readiness = broker.app.get(Readiness)
    readiness.report('prod-vault', { ok: false, detail: 'the login was refused' })
    expect(await broker.api().get('/readyz')).toMatchObject({
      status: 200,
      body: { status: 'degraded', degraded: ['prod-vault'] },
    })
    readiness.report('prod-vault', { ok: true })
    expect((await broker.api().get('/readyz')).body.status).toBe('ok')
  })

  it('counts for Prometheus, by route and never by path', async () => {
    await broker.admin.get('/api/users/usr_01m82dbh2ycne5c2mnkxq308j3')
    const { headers, text: metrics } = await broker.api().get('/metrics')
    expect(headers['content-type']).toContain('text/plain')
    expect(metrics).toContain('latchkey_http_request_seconds_count{method="GET",route="/api/users/:id",status="404"} 1')
    expect(metrics).not.toContain('usr_')
    expect(metrics).not.toContain(process.cwd())
  })

  it('shows its metrics to this machine alone, and not to callers a proxy on it lets through', async () => {
    for (const header of ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']) {
      const relayed = await broker.api().get('/metrics', { headers: { [header]: 'somebody' } })
      expect(relayed).toMatchObject({ status: 404, body: { code: 'not_found' } })
    }
  })
})

describe('a request', () => {
  it('keeps the id its caller gave it, in the answer, the problem and the log', async () => {
    const { headers, body } = await broker.api().get('/api/me', { headers: { 'x-request-id': 'caller-chose-1' } })
    expect(headers['x-request-id']).toBe('caller-chose-1')
    expect(body.requestId).toBe('caller-chose-1')
    expect(broker.log.some((line) => line.includes('"requestId":"caller-chose-1"'))).toBe(true)
  })

  it.each(['short', 'x'.repeat(65), 'has space', '"quoted-id"', '../../etc/passwd'])(
    'gets an id of ours instead of %j',
    async (given) => {
      const { headers } = await broker.api().get('/livez', { headers: { 'x-request-id': given } })
      expect(headers['x-request-id']).toMatch(/^[0-9a-f]{24}$/)
    },
  )

  it('leaves neither its credential nor its query in the log', async () => {
    await broker.admin.get('/api/users?cursor=squeamish-ossifrage', {
      headers: { cookie: 'sid=also-secret', 'x-vault-token': 'hvs.secret' },
    })
    const log = broker.log.join('')
    expect(log).toContain('"path":"/api/users"')
    for (const hidden of [broker.adminToken, 'squeamish', 'also-secret', 'hvs.secret']) expect(log).not.toContain(hidden)
  })
})

describe('a refusal', () => {
  it('is a problem with code, message, remedy and request id', async () => {
    const { status, headers, body } = await broker.api().get('/nowhere')
    expect(status).toBe(404)
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(body).toEqual({
      type: 'urn:latchkey:problem:not_found',
      title: expect.any(String),
      status: 404,
      code: 'not_found',
      message: 'there is nothing at this path',
      fix: 'see /openapi.json',
      requestId: headers['x-request-id'],
    })
  })

  it('tells which methods a path takes', async () => {
    const { status, headers, body } = await broker.admin.put('/api/users/usr_01m82dbh2ycne5c2mnkxq308j3', {})
    expect({ status, allow: headers['allow'], code: body.code }).toEqual({
      status: 405,
      allow: 'GET, PATCH',
      code: 'input.method',
    })
  })

  it('says how long to wait when the target does', async () => {
    const { status, headers, body } = await broker.api().get('/probe/busy')
    expect({ status, wait: headers['retry-after'], fix: body.fix }).toEqual({ status: 503, wait: '2', fix: 'wait' })
  })

  it('tells nothing of a bug but where to look, and logs it whole', async () => {
    const { status, text: answer, body } = await broker.api().get('/probe/bug')
    expect({ status, code: body.code }).toEqual({ status: 500, code: 'internal' })
    expect(answer).not.toContain('hunter2')
    const line = broker.log.find((one) => one.includes(body.requestId) && one.includes('hunter2'))
    expect(JSON.parse(line!).error.stack).toContain('ProbeController.bug')
  })

  it.each([
    ['text', 'hello', { 'content-type': 'text/plain' }],
    ['a form', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['no type', '{}', { 'content-type': '' }],
    ['another charset', '{}', { 'content-type': 'application/json; charset=utf-16' }],
    ['JSON of some other kind', '{}', { 'content-type': 'application/jsonx' }],
    ['compressed JSON', gzipSync('{}'), { 'content-encoding': 'gzip' }],
  ])('meets a body that is %s: 415', async (_, raw, headers) => {
    expect(await postRaw(raw, headers)).toMatchObject({ status: 415, body: { code: 'input.unsupported_media_type' } })
  })

  it('meets a body that is too large: 413', async () => {
    expect(await postRaw(`{"label":"${'x'.repeat(256 * 1024)}"}`)).toMatchObject({
      status: 413,
      body: { code: 'input.too_large' },
    })
  })

  it('meets a body that is cut off, without quoting it', async () => {
    const answer = await postRaw('{"password":"hunter2')
    expect(answer).toMatchObject({ status: 400, body: { code: 'input.invalid' } })
    expect(answer.text).not.toContain('hunter2')
  })

  it.each<[string, unknown, string | undefined, string]>([
    ['no body', undefined, undefined, 'the call needs a JSON body'],
    ['null', null, undefined, 'must be an object'],
    ['a list', [], undefined, 'must be an object, not a list'],
    ['a missing field', { seconds: 1 }, 'label', 'label is missing'],
    ['a number for text', { ...good, label: 7 }, 'label', 'label must be text'],
    ['empty text', { ...good, label: '' }, 'label', 'label must not be empty'],
    ['text that is too long', { ...good, label: 'x'.repeat(11) }, 'label', 'label must have at most 10 characters'],
    ['a NUL', { ...good, label: 'a\u0000b' }, 'label', 'label contains a NUL character'],
    ['half a character', { ...good, label: 'a\ud800' }, 'label', 'label contains half a character (a lone surrogate)'],
    ['an unknown field', { ...good, extra: 1 }, 'extra', 'extra is not a known field'],
    ['an unknown field far down', { ...good, tags: [{ key: 'a', x: 1 }] }, 'tags.0.x', 'tags.0.x is not a known field'],
    [
      'a NUL where the schema does not look',
      { ...good, free: { a: ['\u0000'] } },
      'free.a.0',
      'free.a.0 contains a NUL character',
    ],
    ['a NUL in a key', { ...good, free: { '\u0000': 1 } }, 'free', 'free contains a forbidden key: "\\u0000"'],
    ['no duration', { label: 'a' }, 'seconds', 'seconds is missing'],
    ...[0, -1, 0.5, 31_622_401, 1e300, '60', null].map((seconds): [string, unknown, string, string] => [
      `a duration of ${JSON.stringify(seconds)}`,
      { ...good, seconds },
      'seconds',
      'seconds must be a whole number of seconds from 1 to 31622400 (366 days)',
    ]),
  ])('names the field: %s', async (_, body, field, message) => {
    const answer = await post(body)
    expect({ status: answer.status, field: answer.body.field, message: answer.body.message }).toEqual({
      status: 400,
      field,
      message,
    })
  })

  it('refuses what only some JSON parsers agree on', async () => {
    for (const raw of ['{"__proto__":{"admin":true},"label":"a","seconds":1}', Buffer.from([0x22, 0xff, 0x22])]) {
      expect(await postRaw(raw)).toMatchObject({ status: 400, body: { code: 'input.invalid' } })
    }
  })

  it('lists every offending field', async () => {
    expect((await post({ label: 1, seconds: 0, extra: true })).body.issues.map(({ field }: { field: string }) => field)).toEqual([
      'label',
      'seconds',
      'extra',
    ])
  })

  it.each([
    ['given twice', '/api/users?limit=1&limit=2', 'limit'],
    ['nobody knows', '/api/users?sort=name', 'sort'],
    ['nobody knows, where none is taken', '/api/me?verbose=1', 'verbose'],
    ['with a NUL', '/api/users?cursor=%00', 'cursor'],
    ['of zero', '/api/users?limit=0', 'limit'],
    ['above the limit', '/api/users?limit=201', 'limit'],
    ['that is no number', '/api/users?limit=1e2', 'limit'],
  ])('meets a query parameter %s', async (_, path, field) => {
    expect(await broker.admin.get(path)).toMatchObject({ status: 400, body: { code: 'input.invalid', field } })
  })

  it.each(['/api/users/%FF', '/api/users/%00', '/api/users/usr_%2e%2e', '/api/users/grp_01m82dbh2ycne5c2mnkxq308j3'])(
    'meets a path that cannot be: %s',
    async (path) => {
      expect(await broker.admin.get(path)).toMatchObject({ status: 400, body: { code: 'input.invalid' } })
    },
  )
})

describe('the API description', () => {
  it('has every endpoint, what it takes and gives, and the problem it may answer with', async () => {
    const { body } = await broker.api().get('/openapi.json')
    const users = body.paths['/api/users']
    expect(users.post.requestBody.content['application/json'].schema).toEqual({ $ref: '#/components/schemas/NewUser' })
    expect(users.post.responses['201'].content['application/json'].schema).toEqual({ $ref: '#/components/schemas/User' })
    expect(users.get.parameters.map(({ name }: { name: string }) => name).sort()).toEqual(['cursor', 'limit', 'state'])
    expect(users.get.responses.default).toEqual({ $ref: '#/components/responses/Problem' })
    expect(body.components.schemas.Problem.required).toContain('requestId')
    expect(body.components.securitySchemes.bearer).toMatchObject({ type: 'http', scheme: 'bearer' })
  })
})
