import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Broker, startBroker } from '../support/broker.ts'
import { TOY_PASSWORD, ToyTarget, toyPlugin } from '../support/toy-plugin.ts'

/** Nothing in it repeats. */
const dense = (before: string, bytes: number) => {
  let text = before
  for (let part = 0; text.length < bytes; part += 1) text += createHash('sha512').update(`${before}${part}`).digest('base64url')
  return text.slice(0, bytes)
}

// As long as a name may be, 2000 bytes: dense, of characters of three bytes, and of those that JSON writes as two or six.
const NAMES = [
  'a/first',
  dense('b/', 1_690),
  dense('c/', 2_000),
  `d/${Array.from({ length: 666 }, (_, at) => String.fromCodePoint(0x4e00 + ((at * 7919) % 20_000))).join('')}`,
  `e/${'"\\'.repeat(999)}`,
  `f/${Array.from({ length: 1_998 }, (_, at) => String.fromCodePoint(1 + ((at * at * 13) % 31))).join('')}`,
  'g/last',
]

let broker: Broker
let id: string
beforeAll(async () => {
  const target = new ToyTarget()
  for (const name of NAMES) target.put(name)
  broker = await startBroker({ plugins: [toyPlugin(target)] })
  const config = { address: 'toybox', login: { method: 'password', password: TOY_PASSWORD } }
  id = (await broker.admin.must(broker.admin.post('/api/integrations', { name: 'toys', plugin: 'toy', config }))).id
  await vi.waitFor(async () => {
    expect((await broker.admin.get(`/api/integrations/${id}/sync`)).body).toMatchObject({ state: 'completed' })
  }, 10_000)
})
afterAll(() => broker?.close())

it.each([1, 2, 3])('the list of resources goes on behind the longest names there are, %i at a time', async (limit) => {
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const page = await broker.admin.must(broker.admin.get(`/api/resources?integration=${id}&limit=${limit}${cursor}`))
    seen.push(...page.items.map(({ name }: { name: string }) => name))
    if (page.next === null) break
    cursor = `&cursor=${encodeURIComponent(page.next)}`
  }
  expect(seen).toEqual(NAMES)
})
