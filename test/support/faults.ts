import { type Fault, pass, type Reply } from './fault-proxy.ts'

/** What goes wrong with one call to the server while everybody lives. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'dropped before': async (call) => call.drop(),
  'dropped after it was applied': async (call) => {
    await call.forward()
    call.drop()
  },
  'answered 500 after it was applied': async (call) => {
    await call.forward()
    await call.reply(refusal(500, '1 error occurred: * failed to audit response'))
  },
  'applied twice': async (call) => {
    const first = await call.forward()
    await call.forward()
    await call.reply(first)
  },
  'applied at once and never answered': async (call) => {
    await call.forward()
    await call.abandoned
  },
  'applied when nobody waits for it any more': async (call) => {
    await call.abandoned
    await call.forward()
  },
  'answered 429': async (call) => call.reply(refusal(429, 'request path quota exceeded')),
  'answered 503': async (call) => call.reply(refusal(503, 'Vault is sealed')),
}

/** What stands between a broker and a server may mangle an answer as well. */
export const MANGLED: Readonly<Record<string, Fault>> = {
  'answered by half': async (call) => {
    const { body, ...reply } = await call.forward()
    const headers = { ...reply.headers, 'content-length': String(Buffer.byteLength(body)) }
    await call.reply({ ...reply, headers, body: body.slice(0, body.length / 2) })
    call.drop()
  },
  'answered with the page of a proxy': async (call) => {
    await call.forward()
    await call.reply({ status: 502, headers: { 'content-type': 'text/html' }, body: '<html><h1>Bad gateway</h1></html>' })
  },
}

/** An answer that is well formed and not true. Nobody can carry on as if it were; what is said afterwards must be. */
export const LIES: Readonly<Record<string, Fault>> = {
  'answered 404': async (call) => {
    await call.forward()
    await call.reply({ ...refusal(404, ''), body: '{"errors":[]}' })
  },
  'answered with what somebody else wrote': async (call) => {
    const reply = await call.forward()
    if (reply.status !== 200) return call.reply(reply)
    const metadata = {
      version: 9,
      created_time: '2020-01-01T00:00:00Z',
      deletion_time: '',
      destroyed: false,
      custom_metadata: null,
    }
    const data = call.method === 'GET' ? { data: { note: 'another hand' }, metadata } : metadata
    await call.reply({ ...reply, body: JSON.stringify({ ...JSON.parse(reply.body), data }) })
  },
}

/** The write of a secret takes effect, and what stands there afterwards is not what was sent. */
export const spoiled: Fault = async (call) => {
  const { data: _, ...rest } = JSON.parse(call.body)
  await call.reply(await call.forward(JSON.stringify({ ...rest, data: { note: 'spoiled on its way' } })))
}

/** As if somebody else were writing that secret at this very moment. */
export const outpaced: Fault = async (call) =>
  call.reply(refusal(400, 'check-and-set parameter did not match the current version'))

/** Right before the first write there something is done; the write goes through, and from then on nobody is there. */
export function awayAfterWrite(path: string, before: () => Promise<unknown>): Fault {
  let isAway = false
  return async (call) => {
    if (call.path !== path) return pass(call)
    if (isAway) return call.drop()
    if (call.method !== 'POST') return pass(call)
    isAway = true
    await before()
    await pass(call)
  }
}

function refusal(status: number, error: string): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ errors: [error] }) }
}
