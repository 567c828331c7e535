import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { VaultCall } from '../../vault/index.ts'
import { Vault } from '../../vault/vault.ts'
import { startWorld, type World } from '../support/world.ts'

interface Hop {
  readonly name: string
  readonly file: string
  /** the kind of due work that the hop leaves to the next one */
  readonly leaves?: string
}

/** Something that leaves this process, with the functions that led to it: the outermost first. */
interface Trace {
  readonly what: string
  readonly values: string
  readonly frames: readonly { readonly name: string; readonly file: string }[]
}

const root = path.resolve(import.meta.dirname, '../..')
const page = readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8')
const traces: Trace[] = []

describe.each(await serversUnderTest())('the five roads of ARCHITECTURE.md to a $product $version', (binary) => {
  let server: VaultServer
  let world: World
  let grantId: string
  const stopListening: (() => void)[] = []

  beforeAll(async () => {
    traces.length = 0
    stopListening.push(listenToCalls(), listenToStatements())
    server = await startVaultServer({ binary })
    world = await startWorld(server)
    const { alice, bob, broker } = world
    const { id: flowId } = await world.flow({
      approval: { kind: 'stages', stages: [{ approvers: [{ kind: 'people', users: [bob.id], groups: [] }] }] },
    })
    const { id } = await world.request(alice, { flowId })
    const decided = await bob.api.must(bob.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' }))
    grantId = decided.grantId
    await world.until(alice, grantId, 'active')
    await world.open(alice, grantId)
    await broker.database.query(`update grants set expires_at = now(), target_until = now() where id = $1`, [grantId])
    await world.until(alice, grantId, 'expired', 30_000)
    const sync = `/api/integrations/${world.integrationId}/sync`
    await broker.admin.must(broker.admin.post(sync))
    await waitFor('the sync', async () => (await broker.admin.get(sync)).body.state === 'completed')
  })
  afterAll(async () => {
    for (const stop of stopListening) stop()
    await world?.close()
    await server?.stop()
  })

  const idOf = (id: string) => id.split('_')[1] ?? ''

  it('goes from an approval to Vault', () => {
    expect(strayed('From an approval to Vault', `POST sys/policies/acl/.*${idOf(grantId)}`, grantId)).toEqual([])
  })

  it('goes from an expiry to no power', () => {
    expect(strayed('From an expiry to no power', `DELETE sys/policies/acl/.*${idOf(grantId)}`, grantId)).toEqual([])
  })

  it('goes from no power to the proof', () => {
    // The one call that only a look at what is gone makes.
    expect(strayed('From no power to the proof', 'GET auth/apono/users/4711081542-\\d', grantId)).toEqual([])
  })

  it('goes from an opening to a credential', () => {
    expect(strayed('From an opening to a credential', 'POST auth/apono/login/4711081542-\\d', grantId)).toEqual([])
  })

  it('goes from a discovery to rows', () => {
    expect(strayed('From a discovery to rows', 'LIST kv/(detailed-)?metadata/.', world.integrationId)).toEqual([])
  })
})

/** What was done and did not come by the hops of a road, in words. */
function strayed(heading: string, call: string, subject: string): string[] {
  return legsOf(hopsOf(heading)).flatMap((leg) => {
    const { name, leaves } = leg.at(-1) ?? { name: heading }
    const ends = traces.filter(({ what, values, frames }) => {
      if (leaves) return what === 'due work' && values.includes(leaves) && values.includes(subject)
      // Where a plugin asks for several things at once, V8 knows of some only what is the plugin's own.
      return new RegExp(call).test(what) && frames[0]?.file.startsWith('src/')
    })
    if (ends.length === 0) return [`nothing was done that ends with ${name}`]
    const astray = ends.map((trace) => missing(leg, trace)).filter((way) => way !== undefined)
    // Rounds put work back that was lost; what reaches the target does so by its road alone.
    return leaves && astray.length < ends.length ? [] : astray
  })
}

/** The first hop that is not there, or not in its place. */
function missing(leg: readonly Hop[], { what, frames }: Trace): string | undefined {
  let at = 0
  for (const hop of leg) {
    const next = frames.findIndex((frame, index) => index >= at && isOf(hop, frame))
    if (next < 0) return `${what} does not come by ${hop.name}: ${frames.map(({ name }) => name).join(' → ')}`
    at = next + 1
  }
  return undefined
}

/** A function of an object, such as an action's, is one of its file to V8. */
function isOf(hop: Hop, frame: Trace['frames'][number]): boolean {
  const method = hop.name.split('.').at(-1)
  return frame.file === hop.file && (frame.name === hop.name || frame.name === `Object.${method}`)
}

function hopsOf(heading: string): Hop[] {
  const section = page.split(`### ${heading}\n`)[1]?.split('\n#')[0] ?? ''
  const hops = [...section.matchAll(/^\d\. `([\w.]+)` \(`([\w./-]+)`\):((?:.|\n(?!\d\.|\n))*)/gm)].map(
    ([, name = '', file = '', text = '']) => ({
      name,
      file,
      leaves: /It commits due work `([\w.]+)`/.exec(text.replace(/\s+/g, ' '))?.[1],
    }),
  )
  expect(hops, heading).toHaveLength(5)
  return hops
}

function legsOf(hops: readonly Hop[]): Hop[][] {
  const legs: Hop[][] = [[]]
  for (const hop of hops) {
    legs.at(-1)?.push(hop)
    if (hop.leaves) legs.push([])
  }
  return legs
}

function listenToCalls(): () => void {
  const { call } = Vault.prototype
  Vault.prototype.call = function (this: Vault, asked: VaultCall) {
    traces.push(traceOf(`${asked.list ? 'LIST' : asked.method} ${asked.path.join('/')}`))
    return call.call(this, asked)
  }
  return () => {
    Vault.prototype.call = call
  }
}

function listenToStatements(): () => void {
  const prototype = Client.prototype as unknown as { query: (...given: unknown[]) => unknown }
  const { query } = prototype
  prototype.query = function (this: Client, ...given: unknown[]) {
    const [first, values] = given
    const text = typeof first === 'string' ? first : String((first as { text?: unknown }).text)
    if (text.includes('insert into due_work')) traces.push(traceOf('due work', JSON.stringify(values ?? first)))
    return query.apply(this, given)
  }
  return () => {
    prototype.query = query
  }
}

function traceOf(what: string, values = ''): Trace {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 100
  const stack = new Error().stack ?? ''
  Error.stackTraceLimit = limit
  const frames = [...stack.matchAll(/^ +at (?:async )?([\w.#$<>]+) \((?:file:\/\/)?([^)]+?):\d+:\d+\)$/gm)]
  return {
    what,
    values,
    frames: frames.map(([, name = '', file = '']) => ({ name, file: path.relative(root, file) })).toReversed(),
  }
}
