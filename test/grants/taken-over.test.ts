import { afterEach, beforeEach, describe, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import type { CallUnderWay, Reply } from '../support/fault-proxy.ts'
import { expectExact, expectNothingLeft, expectOneCredential, type Stage, setStage } from '../support/stage.ts'

const WRITE_USER = { name: 'POST auth/apono/users/:user', nth: 1 }
const WRITE_POLICY = { name: 'POST sys/policies/acl/:policy', nth: 1 }
const FAULT = { status: 500, body: '{"errors":["internal error"]}' }
const REFUSAL = { status: 400, body: '{"errors":["malformed"]}' }

describe('a replica whose work was taken over while it waited for the server', () => {
  let stage: Stage<Broker>
  let other: Broker | undefined

  beforeEach(async () => {
    stage = await setStage(startBroker)
  })
  afterEach(async () => {
    await other?.close()
    await stage?.close()
    other = undefined
  })

  /** Holds a call of the first replica; meanwhile another one is given the work, as if the lease had run out. */
  async function overtaken(boundary: { name: string; nth: number }) {
    const held = Promise.withResolvers<CallUnderWay>()
    const answered = Promise.withResolvers<Reply>()
    stage.proxy.begin()
    void stage.proxy.strike(boundary, async (call) => {
      held.resolve(call)
      await call.reply(await answered.promise)
    })
    const { alice } = stage.world
    const { grantId } = await stage.world.request(alice, { seconds: 3600, flowId: (await stage.world.flow()).id })
    const call = await held.promise
    other = await startBroker({ database: stage.database, key: stage.home.key })
    await stage.database.query(`update due_work set locked_until = clock_timestamp() - interval '1 s' where subject = $1`, [
      grantId,
    ])
    await stage.world.until(alice, grantId!, 'active')
    return { grantId: grantId!, call, answer: answered.resolve }
  }

  const complaints = () =>
    [...stage.home.log, ...(other?.log ?? [])].filter((line) => line.includes('taken the provisioning over'))

  it.each([
    ['the server refuses it', REFUSAL],
    ['the server has a fault', FAULT],
  ])('does not end what the other one gave, when %s', async (_name, answer) => {
    const overtake = await overtaken(WRITE_USER)
    overtake.answer(answer)
    await waitFor('it to notice', async () => complaints().length > 0)
    await expectExact(stage, overtake.grantId)
    await stage.world.until(stage.world.alice, overtake.grantId, 'active')
    const opened = await expectOneCredential(stage, overtake.grantId, undefined)
    await expectNothingLeft(stage, opened)
  })

  it.each([
    ['the server took its call', undefined],
    ['the server took its call and then had a fault', FAULT],
  ])('takes back what it did after the grant was over, when %s', async (_name, answer) => {
    const { grantId, call, answer: reply } = await overtaken(WRITE_POLICY)
    const { alice } = stage.world
    await alice.api.post(`/api/grants/${grantId}/give-back`)
    await stage.world.until(alice, grantId, 'revoked')
    const applied = await call.forward()
    reply(answer ?? applied)
    await waitFor('it to be looked at once more', async () => {
      const [rechecked] = await stage.database.query(
        `select 1 from audit_events where kind = 'grant.rechecked' and subject = $1`,
        [grantId],
      )
      return rechecked !== undefined
    })
    await expectNothingLeft(stage)
  })
})
