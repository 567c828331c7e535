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

it('removes what a probe that was cut off left, a few minutes later, and overlooks nothing that only has such a name', async () => {
  const stage = await setStage(startBroker)
  try {
    const { vault, home, world } = stage
    const { admin, database } = home
    const at = (minutesAgo: number) => Math.floor(Date.now() / 1000) - minutesAgo * 60
    const password = 'of a probe'
    const probes = [at(4), at(0), at(-60)].map((seconds) => `0-${seconds}-1`)
    for (const name of probes) {
      await vault.api('POST', `auth/apono/users/${name}`, { password, token_policies: 'apono-g-probe-1' })
      await vault.api('POST', `auth/apono/login/${name}`, { password })
    }
    const [old, recent, future] = probes
    await vault.api('PUT', `sys/policies/acl/apono-g-probe-${at(4)}-2`, {
      policy: 'path "latchkey/probe" { capabilities = ["deny"] }',
    })

    const report = await admin.must(admin.post(`/api/integrations/${world.integrationId}/sweep`))
    expect(report.foreign).toEqual([`user ${future}`])
    const left = await tracesOfProbes(vault)
    expect(left.filter((trace) => trace.includes(old!) || trace.includes('-2'))).toEqual([])
    expect(left.filter((trace) => trace.includes(recent!))).toHaveLength(3)

    const due = () =>
      database.query<{ seconds: number }>(
        `select extract(epoch from run_at - clock_timestamp())::float as seconds from due_work
         where kind = 'integration.sweep' and subject = $1 and locked_by is null and run_at > clock_timestamp()`,
        [world.integrationId],
      )
    await database.query(`update due_work set run_at = now() where kind = 'integration.sweep' and locked_by is null`)
    await waitFor('the sweep to be due again, soon', async () => (await due()).some(({ seconds }) => seconds < 5 * 60))
  } finally {
    await stage.close()
  }
})
