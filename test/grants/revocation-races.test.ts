import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../support/broker.ts'
import { expectNothingLeft, type Stage, setStage } from '../support/stage.ts'

describe('a revocation', () => {
  let stage: Stage<Broker>

  beforeAll(async () => {
    stage = await setStage(startBroker)
  })
  afterAll(() => stage?.close())

  it('takes the policy away again when somebody writes it back after the cut', async () => {
    const { world, vault, proxy } = stage
    const grantId = await world.grant(world.alice, {})
    const opened = await world.open(world.alice, grantId)
    const policies: string[] = (await vault.api('GET', 'sys/policies/acl?list=true')).body.data.keys
    const at = `sys/policies/acl/${policies.find((name) => name.startsWith('apono-g-'))}`
    const { policy } = (await vault.api('GET', at)).body.data
    proxy.begin()
    const struck = proxy.strike({ name: 'DELETE auth/apono/users/:user', nth: 1 }, async (call) => {
      await vault.api('POST', at, { policy })
      await call.reply(await call.forward())
    })
    await world.alice.api.post(`/api/grants/${grantId}/give-back`)
    await struck
    await world.until(world.alice, grantId, 'revoked')
    expect((await vault.api('GET', at)).status).toBe(404)
    await expectNothingLeft(stage, opened)
  })
})
