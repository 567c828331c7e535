import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { startWorld, traces, tries, type World } from '../support/world.ts'

const SECRET = 'kv/data/app/db'

describe.each(await serversUnderTest())('the sweep of $product $version, of which an earlier state is put back,', (binary) => {
  let vault: VaultServer
  let world: World

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault)
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  const told = (kind: string) =>
    world.broker.database.query<{ subject: string }>('select subject from audit_events where kind = $1 order by id', [kind])

  const query = (statement: string, ...values: unknown[]) =>
    world.broker.database.query(statement, [world.integrationId, ...values])

  async function snapshot(): Promise<{ putBack(): Promise<void> }> {
    const headers = { 'x-vault-token': vault.rootToken }
    const body = await (await fetch(`${vault.address}/v1/sys/storage/raft/snapshot`, { headers })).arrayBuffer()
    const putBack = async () => {
      const answer = await fetch(`${vault.address}/v1/sys/storage/raft/snapshot-force`, { method: 'POST', headers, body })
      expect(answer.status).toBe(204)
    }
    return { putBack }
  }

  /** The watch of the target, held while a state is to be seen that it would end. */
  const watch = {
    hold: () => query(`update integrations set sign_looked_at = now() + interval '1 hour' where id = $1`),
    letGo: () => query('update integrations set sign_looked_at = null where id = $1'),
  }

  const aSignFromAfterTheLastEnd = () =>
    waitFor(
      'a sign that nothing ended after',
      async () => {
        const found = await query(
          `select 1 from integrations i where id = $1 and sign is not null and sign_left_at > now() - interval '20 min'
             and not exists (select 1 from grants g where g.integration_id = i.id and g.ended_at >= i.sign_left_at)`,
        )
        return found.length > 0
      },
      60_000,
    )

  /** What comes now comes for a reason. */
  const putOffSweep = () =>
    waitFor('the sweep to be put off', async () => {
      await query(
        `update due_work set run_at = now() + interval '1 hour', version = version + 1
         where kind = 'integration.sweep' and subject = $1 and locked_by is null`,
      )
      const put = await query(
        `select 1 from due_work where kind = 'integration.sweep' and subject = $1 and locked_by is null
           and run_at > now() + interval '50 min'`,
      )
      return put.length > 0
    })

  /** Live grants, and whether their tokens work. */
  async function lent(count: number) {
    const { alice } = world
    const grants: string[] = []
    for (let i = 0; i < count; i += 1) grants.push(await world.grant(alice, {}))
    const tokens = await Promise.all(grants.map(async (id) => (await world.open(alice, id)).token))
    const all = async (status: number) =>
      (await Promise.all(tokens.map((token) => tries(vault, token, 'GET', SECRET)))).every((each) => each === status)
    const end = async () => {
      for (const id of grants) await alice.api.must(alice.api.post(`/api/grants/${id}/give-back`))
      for (const id of grants) await world.until(alice, id, 'revoked')
      expect(await all(403)).toBe(true)
    }
    return { end, live: () => all(200), dead: () => all(403) }
  }

  it.each([
    ['when an earlier snapshot of the server is put back, and what had ended ends again', 'with a sign of the end'],
    ['when that is put back the moment something had ended, before there could be any sign of it', 'without a sign of the end'],
  ])('comes at once %s', async (_, put) => {
    const said = (await told('target.restored')).length
    const grants = await lent(2)
    await aSignFromAfterTheLastEnd()
    if (put === 'without a sign of the end') await watch.hold()
    const earlier = await snapshot()
    await grants.end()
    if (put === 'with a sign of the end') await aSignFromAfterTheLastEnd()
    await watch.hold()
    await putOffSweep()
    await earlier.putBack()
    await waitFor('the tokens to be alive again', grants.live)
    await watch.letGo()
    await waitFor('the tokens to be dead again', grants.dead, 60_000)
    await waitFor('nothing to be left', async () => (await traces(vault)).length === 0, 60_000)
    expect((await told('target.restored')).length).toBeGreaterThan(said)
  })

  it('does not come for what ended and stays away', async () => {
    const said = (await told('target.restored')).length
    const grants = await lent(2)
    await putOffSweep()
    await grants.end()
    await aSignFromAfterTheLastEnd()
    expect(await told('target.restored')).toHaveLength(said)
    const minutes = `select extract(epoch from run_at - now())::float / 60 as minutes from due_work where kind = 'integration.sweep' and subject = $1`
    expect(await query(minutes)).toEqual([{ minutes: expect.closeTo(60, -1) }])
  })

  it('comes at once when a server was away for longer than a sign lasts, whatever was put back in the meantime', async () => {
    const said = (await told('target.restored')).length
    await putOffSweep()
    await query(`update integrations set sign = 'of-before-the-outage', sign_left_at = now() - interval '61 min' where id = $1`)
    await waitFor(
      'the sweep to have come',
      async () => {
        const swept = `select 1 from due_work where kind = 'integration.sweep' and subject = $1 and run_at < now() + interval '20 min'`
        return (await query(swept)).length > 0
      },
      60_000,
    )
    expect(await told('target.restored'), 'nobody knows that something was put back').toHaveLength(said)
  })
})
