import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Broker, startBroker } from '../support/broker.ts'
import { scimToken } from '../support/scim.ts'
import { play, scimTester } from '../support/scim-tester.ts'

vi.setConfig({ testTimeout: 300_000 })

const tester = await scimTester()
if ('missing' in tester) process.stderr.write(`SKIPPED: an independent client of SCIM, because ${tester.missing}\n`)

// It gives a member without the name, which is ours to tell, and expects it back without.
const ITS_OWN = ['check_add_attribute Group', 'check_replace_attribute Group']

describe.skipIf('missing' in tester)('scim2-tester', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await startBroker()
  })
  afterAll(() => broker?.close())

  it('finds everything it tries as the standard says', async () => {
    const { token } = await scimToken(broker)
    const python = 'python' in tester ? tester.python : ''
    const played = await play(python, `${broker.url}/scim/v2`, token)
    const failed = played.filter(({ status }) => status !== 'SUCCESS')
    expect(failed.map(({ title, about }) => `${title} ${about}`)).toEqual(ITS_OWN)
    for (const { reason } of failed) expect(reason).toMatch(/'members'.*\n.*display=None.*\n.*display='/)
    expect(played.length).toBeGreaterThanOrEqual(90)
  })
})
