import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { startToyGrants, type ToyGrants } from '../support/toy-grants.ts'

describe('the action that a run names', { timeout: 60_000 }, () => {
  let toy: ToyGrants

  beforeAll(async () => {
    toy = await startToyGrants(2)
  }, 120_000)
  afterEach(() => {
    for (const hook of Object.keys(toy.hooks) as (keyof typeof toy.hooks)[]) delete toy.hooks[hook]
  })
  afterAll(() => toy?.close())

  const rename = (grantId: string, name: string) =>
    toy.broker.database.query('update action_runs set action = $2 where id = (select run_id from grants where id = $1)', [
      grantId,
      name,
    ])
  const problemOf = async (grantId: string) => (await toy.broker.admin.get(`/api/grants/${grantId}`)).body.problem

  it('is told what its schema refuses, with the field, before it plans anything', async () => {
    toy.hooks.input = z.object({ resources: z.array(z.object({ name: z.string().max(2) })) }) as never
    expect(await toy.preview()).toMatchObject({
      status: 400,
      body: { code: 'input.invalid', field: 'input.resources.0.name' },
    })
  })

  it('plans with what its schema made of the input', async () => {
    const seen: unknown[] = []
    toy.hooks.input = z.object({ resources: z.array(z.object({ name: z.string().toUpperCase() })) }) as never
    toy.hooks.plan = (steps) => {
      seen.push(steps[0]?.args)
      return steps
    }
    expect((await toy.preview()).status).toBe(200)
    expect(seen).toEqual([{ to: ['ROOM'] }])
  })

  it('is missed by name when the plugin has it no longer, and the access ends once it is back', async () => {
    const grantId = await toy.grant()
    await rename(grantId, 'open-a-gate')
    await toy.giveBack(grantId)
    await waitFor('the end to fail', async () => (await problemOf(grantId)) !== null)
    expect(await problemOf(grantId)).toMatchObject({
      code: 'target.unsupported',
      message: expect.stringContaining('open-a-gate'),
    })
    await rename(grantId, 'grant-access')
    await toy.until(grantId, 'revoked')
  })

  it.each([
    ['no step', () => false],
    ['two steps', () => true],
    ['another step than the last', (at: number) => at === 0],
  ])('plans no access in which %s would confer power', async (_, confers) => {
    toy.hooks.plan = (steps) => steps.map((step, at) => ({ ...step, confersPower: confers(at) }))
    expect(await toy.preview()).toMatchObject({ status: 500, body: { code: 'internal' } })
    expect(toy.calls.filter((call) => call.startsWith('execute'))).toHaveLength(2) // of the grant above
  })

  it('takes the power of a run from before steps said so away by its last step', async () => {
    const grantId = await toy.grant()
    await toy.broker.database.query(
      'update action_steps set confers_power = null where run_id = (select run_id from grants where id = $1)',
      [grantId],
    )
    toy.calls.length = 0
    await toy.giveBack(grantId)
    await toy.until(grantId, 'revoked')
    expect(toy.calls).toEqual(['rollback 1', 'rollback 0'])
  })
})
