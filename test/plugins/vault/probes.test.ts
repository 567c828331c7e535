import { expect, it } from 'vitest'
import { waitFor } from '../../../dev/vault/vault-wait.ts'
import { startBroker } from '../../support/broker.ts'
import { setStage } from '../../support/stage.ts'
import { traces, tracesOfProbes } from '../../support/world.ts'

it('takes all that a probe’s login left away before the user, by which a sweep would find the rest', async () => {
  const stage = await setStage(startBroker)
  try {
    // The last call about a user is the one that removes it.
    const atTheLast = new Map<string, string[]>()
    stage.proxy.always(async (call) => {
      const [, name] = /^auth\/apono\/users\/(0-.+)$/.exec(call.path) ?? []
      if (name)
        atTheLast.set(
          name,
          (await tracesOfProbes(stage.vault)).filter((trace) => trace.includes(name)),
        )
      await call.reply(await call.forward())
    })
    const { admin } = stage.home
    await admin.must(admin.post(`/api/integrations/${stage.world.integrationId}/health`))
    await waitFor('the check to have taken its own away', async () => (await tracesOfProbes(stage.vault)).length === 0)
    // Some are only tried, and refused.
    const made = [...atTheLast].filter(([, pieces]) => pieces.length > 0)
    expect(made.length).toBeGreaterThan(0)
    for (const [name, pieces] of made) expect(pieces).toEqual([`user ${name}`])
    expect(await traces(stage.vault)).toEqual([])
  } finally {
    await stage.close()
  }
})
