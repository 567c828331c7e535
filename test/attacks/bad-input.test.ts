import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { vault } from '../../plugins/vault/index.ts'
import { BadBodies, type BadBody, badIds, HOSTILE, prefixOf, type Schema } from '../support/bad-bodies.ts'
import { BadCalls, flawOf } from '../support/bad-calls.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { IS_WHOLE, isRun } from '../support/gate-share.ts'
import { ToyTarget, toyPlugin } from '../support/toy-plugin.ts'

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly schema: Schema
}

interface Operation {
  readonly method: string
  readonly path: string
  readonly parameters: readonly Parameter[]
  readonly body?: Schema
}

interface Described {
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } }
}

/** Of the cases of one kind, how many the gate leaves out for one that it tries. */
const ONE_IN = 4

/** What of all that can be counted has to be there. */
const atLeast = (whole: number) => (IS_WHOLE ? whole : Math.floor(whole / ONE_IN))

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

let broker: Broker
let calls: BadCalls
let operations: Operation[]
let bodies: BadBodies
let vaultForm: Schema
const ids = new Map<string, string>()

beforeAll(async () => {
  const target = new ToyTarget()
  target.put('a')
  broker = await startBroker({ plugins: [vault, toyPlugin(target)] })
  calls = new BadCalls(broker)
  await furnish()
  // The first sweep opens a connection, and what that keeps is a change of the broker's own.
  await waitFor('the first sweep to be over', async () => {
    const swept = await broker.database.query(
      `select 1 from due_work where kind = 'integration.sweep' and subject = $1 and locked_by is null
         and run_at > clock_timestamp() + interval '5 min'`,
      [idOf('int')],
    )
    return swept.length > 0
  })
  const { body: document } = await broker.api().get('/openapi.json')
  const { schemas } = document.components
  operations = Object.entries<Record<string, Described>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      parameters: operation.parameters ?? [],
      body: operation.requestBody?.content['application/json'].schema,
    })),
  )
  bodies = new BadBodies((ref) => schemas[ref.split('/').at(-1)!], idOf)
  vaultForm = (await broker.admin.must(broker.admin.get('/api/catalog/vault'))).config
})

afterAll(async () => {
  await calls?.close()
  await broker?.close()
})

/** One of everything that can be had without a target that grants. */
async function furnish(): Promise<void> {
  const { admin } = broker
  const config = { address: 'here', login: { method: 'key', key: 'k' } }
  const body = { name: 'toys', plugin: 'toy', config, skipTest: true }
  const integration = await admin.must(admin.post('/api/integrations', body))
  await admin.must(admin.post(`/api/integrations/${integration.id}/pause`))
  ids.set('int', integration.id)
  ids.set('usr', (await admin.must(admin.post('/api/users', { name: 'Ada' }))).id)
  ids.set('grp', (await admin.must(admin.post('/api/groups', { name: 'Night shift' }))).id)
}

function idOf(prefix: string): string {
  return ids.get(prefix) ?? `${prefix}_01m82dbh2ycne5c2mnkxq308j3`
}

function pathOf({ path, parameters }: Operation, wrong: Record<string, string> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name) => {
    const prefix = prefixOf(parameters.find((each) => each.name === name)?.schema ?? {})
    return wrong[name] ?? (prefix ? idOf(prefix) : 'toy')
  })
}

describe('hostile input', () => {
  it('is made for every endpoint the API describes', () => {
    expect(operations.length).toBeGreaterThan(45)
    expect(operations.filter(({ body }) => body).length).toBeGreaterThan(12)
    expect(operations.flatMap(({ parameters }) => parameters).length).toBeGreaterThan(80)
  })

  it('in a body is refused with the field it is in, and leaves nothing behind', { timeout: 600_000 }, async () => {
    let count = 0
    const wrong: string[] = []
    for (const operation of operations) {
      if (!operation.body) continue
      const cases = [...bodies.of(operation.body)].filter(({ must }) => must === 'refused' && isRun('bad bodies', ONE_IN))
      count += cases.length
      const before = await calls.contents()
      const found = await calls.complaints(cases, (raw) => calls.send(operation.method, pathOf(operation), raw))
      wrong.push(...found.map((one) => `${operation.method} ${operation.path}: ${one}`))
      expect(await calls.contents(), `${operation.method} ${operation.path}`).toEqual(before)
    }
    expect(wrong).toEqual([])
    expect(count).toBeGreaterThan(atLeast(2_000))
  })

  it('that is only odd is taken or refused, and never a fault', { timeout: 600_000 }, async () => {
    const wrong: string[] = []
    let count = 0
    for (const operation of operations) {
      if (!operation.body) continue
      const cases = [...bodies.of(operation.body)].filter(({ must }) => must === 'survived' && isRun('odd bodies', ONE_IN))
      count += cases.length
      const found = await calls.complaints(cases, (raw) => calls.send(operation.method, pathOf(operation), raw))
      wrong.push(...found.map((one) => `${operation.method} ${operation.path}: ${one}`))
    }
    expect(wrong).toEqual([])
    expect(count).toBeGreaterThan(atLeast(500))
  })

  it('in the form of a plugin is refused with its field, and leaves nothing behind', { timeout: 600_000 }, async () => {
    const before = await calls.contents()
    const cases = [...bodies.of(vaultForm, 'config', (config) => ({ name: 'vault', plugin: 'vault', config, skipTest: true }))]
    const refused = cases.filter(({ must }) => must === 'refused')
    expect(refused.length).toBeGreaterThan(400)
    expect(await calls.complaints(refused, (raw) => calls.send('POST', '/api/integrations', raw))).toEqual([])
    expect(await calls.contents()).toEqual(before)
    const odd = cases.filter(({ must }) => must === 'survived')
    expect(await calls.complaints(odd, (raw) => calls.send('POST', '/api/integrations', raw))).toEqual([])
  })

  it('in a path is refused, and leaves nothing behind', { timeout: 600_000 }, async () => {
    const before = await calls.contents()
    const wrong: string[] = []
    let count = 0
    for (const operation of operations) {
      for (const { name, schema } of operation.parameters.filter((parameter) => parameter.in === 'path')) {
        const prefix = prefixOf(schema)
        const encoded = [...HOSTILE, ...(prefix ? badIds(idOf(prefix)) : []), 'x'.repeat(5000)].map(encodeURIComponent)
        for (const value of [...encoded, '%00', '%', '%zz', '%ff', '%ed%a0%80', '%2e%2e%2f%2e%2e', '..', '.', '..;', '*', "'"]) {
          if (!isRun('bad paths', ONE_IN)) continue
          count += 1
          const reply = await calls.send(operation.method, pathOf(operation, { [name]: value }), operation.body && '{}')
          const flaw = flawOf(reply)
          if (flaw) wrong.push(`${operation.method} ${operation.path} with ${name} ${value.slice(0, 40)}: ${flaw}`)
        }
      }
    }
    expect(wrong).toEqual([])
    expect(count).toBeGreaterThan(atLeast(1_500))
    expect(await calls.contents()).toEqual(before)
  })

  it('in a query is refused with its parameter', { timeout: 600_000 }, async () => {
    const wrong: string[] = []
    let count = 0
    for (const operation of operations) {
      const ask = async (query: string, field: string | undefined, must: BadBody['must']) => {
        if (!isRun('bad queries', ONE_IN)) return
        count += 1
        const reply = await calls.send(operation.method, `${pathOf(operation)}?${query}`, operation.body && '{}')
        const flaw = must === 'refused' || reply.status >= 400 ? flawOf(reply, must === 'refused' ? field : undefined) : undefined
        if (flaw) wrong.push(`${operation.method} ${operation.path}?${query.slice(0, 60)}: ${flaw}`)
      }
      const described = operation.parameters.filter((parameter) => parameter.in === 'query')
      // A body is looked at first by nobody: which of two faults is named does not matter.
      const unknownField = operation.body ? undefined : 'zz'
      for (const query of ['zz=1', 'zz', 'zz[]=1', '__proto__=1', 'constructor=x', 'zz=%ff']) {
        await ask(query, query.startsWith('zz=') ? unknownField : undefined, 'refused')
      }
      for (const { name, schema } of described) {
        await ask(`${name}=1&${name}=2`, name, 'refused')
        for (const { field, raw, must } of bodies.of(schema, name)) {
          const value: unknown = JSON.parse(raw)
          if (typeof value !== 'string' || field !== name) continue
          // A lone surrogate has no encoding; what stands for it arrives as the replacement character.
          if (!value.isWellFormed()) continue
          await ask(`${name}=${encodeURIComponent(value.slice(0, 6000))}`, name, must)
        }
        for (const value of ['%00', 'a%00b']) await ask(`${name}=${value}`, name, 'refused')
        await ask(`${name}[x]=1`, undefined, 'refused')
      }
    }
    expect(wrong).toEqual([])
    expect(count).toBeGreaterThan(atLeast(2_000))
  })

  it('in a method is refused with those that are taken', async () => {
    const wrong: string[] = []
    for (const path of new Set(operations.map((operation) => operation.path))) {
      const taken = operations.filter((operation) => operation.path === path)
      for (const method of METHODS.filter((one) => !taken.some((operation) => operation.method === one))) {
        // `test` beside `{id}` may be meant as an id.
        if (
          operations.some((other) => other.method === method && other.path.replace(/\{id\}$/, '') === path.replace(/[\w-]+$/, ''))
        )
          continue
        const { status, body } = await calls.send(method, pathOf(taken[0]!), method === 'GET' ? undefined : '{}')
        if (status !== 405 || body.code !== 'input.method' || !body.fix.includes(taken[0]!.method)) {
          wrong.push(`${method} ${path}: ${status} ${JSON.stringify(body)}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  it('as a content type is refused by every endpoint that takes a body', async () => {
    const wrong: string[] = []
    for (const operation of operations.filter(({ body }) => body)) {
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/json; charset=utf-7',
        'application/problem+json',
        '*/*',
        'application/json, text/plain',
      ]) {
        const { status, body } = await calls.send(operation.method, pathOf(operation), '{}', { 'content-type': type })
        if (status !== 415 || body.code !== 'input.unsupported_media_type') wrong.push(`${operation.path} ${type}: ${status}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('as a credential opens no endpoint', { timeout: 600_000 }, async () => {
    const token = broker.adminToken
    const twisted = [token.toUpperCase(), token.slice(0, -1), `${token}0`, `${token},`, `${token} x`, `"${token}"`, ` ${token}`]
    const foreign = ['', ' ', 'null', 'undefined', 'lk_*', "' or 1=1 --", 'x'.repeat(8000)]
    const garbage = [
      ...[...twisted, ...foreign].map((one) => `Bearer ${one}`),
      ...['Basic ', 'Token ', ''].map((scheme) => scheme + token),
    ]
    const wrong: string[] = []
    const none = { authorization: undefined }
    const open: Operation[] = []
    for (const operation of operations) {
      const { status } = await calls.send(operation.method, pathOf(operation), operation.body && '{}', none)
      if (status !== 401) open.push(operation)
    }
    // An author who adds to this list says that everybody in the world may call it.
    expect(open.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /api/enrolments',
      'GET /auth/options',
      'POST /auth/logout',
    ])
    for (const operation of operations.filter((one) => !open.includes(one))) {
      const headers = [
        ...garbage.map((authorization) => ({ authorization })),
        ['authorization', `Bearer ${token}`, 'authorization', 'Bearer x', 'content-type', 'application/json'],
        ['authorization', `Bearer ${token}`, 'authorization', `Bearer ${token}`, 'content-type', 'application/json'],
      ]
      for (const each of headers.filter(() => isRun('bad credentials', ONE_IN))) {
        const { status, body } = await calls.send(operation.method, pathOf(operation), operation.body && '{}', each)
        if (status !== 401 || body.code !== 'auth.required') {
          wrong.push(`${operation.method} ${operation.path} with ${JSON.stringify(each).slice(0, 60)}: ${status}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  it('never made the broker meet a fault of its own', () => {
    expect(broker.log.filter((line) => line.includes('"level":50') || line.includes('"level":60'))).toEqual([])
  })
})
