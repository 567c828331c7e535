import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { type Posting, postWebhook } from '../../src/notifications/post-webhook.ts'
import { newWebhookSecret } from '../../src/notifications/webhook-signature.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'

describe('posting to a receiver', () => {
  const open: Receiver[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((receiver) => receiver.close()))
  })
  const receiver = async (host?: string, port?: number) => {
    const started = await startReceiver(host, port)
    open.push(started)
    return started
  }
  const secret = newWebhookSecret()
  const posting = (url: string, more: Partial<Posting> = {}): Posting => ({
    url,
    message: { id: 'ntf_1', timestamp: 1_700_000_000, body: '{"type":"x"}' },
    secrets: [secret],
    signal: AbortSignal.timeout(20_000),
    development: true,
    ...more,
  })

  it('signs as Standard Webhooks says', async () => {
    const { url, received } = await receiver()
    expect(await postWebhook(posting(url))).toBe(204)
    const key = Buffer.from(secret.reveal().slice('whsec_'.length), 'base64')
    const signature = createHmac('sha256', key).update('ntf_1.1700000000.{"type":"x"}').digest('base64')
    expect(received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': 'ntf_1',
      'webhook-timestamp': '1700000000',
      'webhook-signature': `v1,${signature}`,
    })
  })

  it('is verified by the example in the manual, which refuses what is forged, old or repeated', async () => {
    const manual = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8')
    const example = /```js\n([\s\S]*?)```/.exec(manual)?.[1] ?? ''
    const { verify } = await import(`data:text/javascript,${encodeURIComponent(example)}`)
    const { url, received } = await receiver()
    await postWebhook(posting(url, { secrets: [newWebhookSecret(), secret] }))
    const { headers, text } = received[0]!
    const at = 1_700_000_010
    expect(verify(newWebhookSecret().reveal(), headers, text, at)).toBe('forged')
    expect(verify(secret.reveal(), headers, `${text} `, at)).toBe('forged')
    expect(verify(secret.reveal(), { ...headers, 'webhook-id': 'ntf_2' }, text, at)).toBe('forged')
    expect(verify(secret.reveal(), { ...headers, 'webhook-timestamp': String(at) }, text, at)).toBe('forged')
    expect(verify(secret.reveal(), { ...headers, 'webhook-signature': 'v1, v1,x' }, text, at)).toBe('forged')
    expect(verify(secret.reveal(), headers, text, at + 300)).toBe('too old')
    expect(verify(secret.reveal(), { ...headers, 'webhook-timestamp': 'x' }, text, at)).toBe('too old')
    expect(verify(secret.reveal(), headers, text, at)).toBe('new')
    expect(verify(secret.reveal(), headers, text, at + 200)).toBe('a repetition')
  })

  it('connects to the address that was checked, whatever the name leads to a moment later', async () => {
    // Not where the name leads for everybody else.
    const first = await receiver('127.0.0.2')
    const second = await receiver('127.0.0.1', first.port)
    let asked = 0
    const rebinding = async () => [{ address: asked++ === 0 ? '127.0.0.2' : '127.0.0.1', family: 4 }]
    await postWebhook(posting(`http://localhost:${first.port}/`, { resolve: rebinding }))
    expect([asked, first.received.length, second.received.length]).toEqual([1, 1, 0])
  })

  it('sends nothing to a public name that leads to this machine', async () => {
    const { port, received } = await receiver()
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
    const refused = postWebhook(posting(`https://hooks.example:${port}/`, { resolve, development: false }))
    await expect(refused).rejects.toMatchObject({ code: 'input.invalid' })
    expect(received).toEqual([])
  })

  it.each([301, 302, 303, 307, 308])('follows no redirect (%i)', async (status) => {
    const inside = await receiver()
    const outside = await receiver()
    outside.reply = (response) => void response.writeHead(status, { location: inside.url }).end()
    await expect(postWebhook(posting(outside.url))).rejects.toThrow(`redirected (${status}), which is not followed`)
    expect(inside.received).toEqual([])
  })

  it.each([400, 404, 410, 429, 500, 503])('takes %i for a failure, and keeps the answer’s words to itself', async (status) => {
    const bad = await receiver()
    bad.reply = (response) => void response.writeHead(status).end('the secret of the inside')
    await expect(postWebhook(posting(bad.url))).rejects.toThrow(new RegExp(`^127.0.0.1 answered ${status}$`))
  })

  it('waits for no answer without an end', async () => {
    const endless = await receiver()
    endless.reply = (response) => {
      response.writeHead(200)
      const pour = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      }
      response.on('drain', pour)
      pour()
    }
    expect(await postWebhook(posting(endless.url))).toBe(200)
  })

  it('stops when it is told to while the receiver is silent', async () => {
    const silent = await receiver()
    silent.reply = () => {}
    const stop = new AbortController()
    const posted = postWebhook(posting(silent.url, { signal: stop.signal }))
    await expect.poll(() => silent.received.length).toBe(1)
    stop.abort()
    await expect(posted).rejects.toMatchObject({ code: 'target.timeout' })
  })

  it('names the host of what it could not reach, and none of its path', async () => {
    const { url, close } = await startReceiver()
    await close()
    await expect(postWebhook(posting(`${url}/token-in-the-path`))).rejects.toThrow(
      '127.0.0.1 could not be reached (ECONNREFUSED)',
    )
  })
})
