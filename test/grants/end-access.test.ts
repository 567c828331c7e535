import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { run } from '../../src/cli/main.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { within } from '../support/database.ts'
import { furnished, inhabit, tries, type World } from '../support/world.ts'

describe.each(await serversUnderTest())('ending all access through an integration, on $product $version', (binary) => {
  let vault: VaultServer
  let daemon: Daemon
  let world: World<Daemon>

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    daemon = await startDaemon({ env: { LATCHKEY_DEVELOPMENT: 'true' } })
    world = await inhabit(daemon, vault, await furnished(vault))
  })
  afterAll(async () => {
    await daemon?.close()
    await vault?.stop()
  })

  const at = () => `/api/integrations/${world.integrationId}`
  const nameOf = async () => (await daemon.admin.must(daemon.admin.get(at()))).name as string
  const resume = () => daemon.admin.must(daemon.admin.post(`${at()}/resume`))
  const granted = async () => {
    const { alice, bob } = world
    const ids = [await world.grant(alice, {}), await world.grant(bob, { name: 'kv/app/cache' })]
    const tokens = [await world.open(alice, ids[0]!), await world.open(bob, ids[1]!)]
    expect(await tries(vault, tokens[0]!.token, 'GET', 'kv/data/app/db')).toBe(200)
    return { ids, tokens }
  }
  const expectEnded = async (ids: readonly string[]) => {
    for (const id of ids) {
      const over = await world.until({ ...world.alice, api: daemon.admin }, id, 'revoked', 30_000)
      expect(over).toMatchObject({ endReason: 'revoked', endNote: 'a key was stolen' })
      const receipt = await daemon.admin.must(daemon.admin.get(`/api/grants/${id}/receipt`))
      expect(receipt.evidence.every((piece: { gone: boolean }) => piece.gone)).toBe(true)
    }
  }

  it('ends nothing unless its name is typed', async () => {
    const { ids, tokens } = await granted()
    const refused = await daemon.admin.post(`${at()}/end-access`, { confirm: 'another one', reason: 'a key was stolen' })
    expect(refused.body).toMatchObject({ status: 400, code: 'input.invalid', field: 'confirm' })
    expect((await daemon.admin.get(at())).body.state).toBe('active')
    expect((await daemon.admin.get(`/api/grants/${ids[0]}`)).body.state).toBe('active')

    const ended = await daemon.admin.post(`${at()}/end-access`, { confirm: await nameOf(), reason: 'a key was stolen' })
    expect(ended.status, ended.text).toBe(202)
    expect(ended.body.grants.toSorted()).toEqual(ids.toSorted())
    await expectEnded(ids)
    expect(await tries(vault, tokens[0]!.token, 'GET', 'kv/data/app/db')).toBe(403)
    expect(await tries(vault, tokens[1]!.token, 'GET', 'kv/data/app/cache')).toBe(403)
    expect((await daemon.admin.get(at())).body.state, 'nothing begins through it').toBe('paused')
    await expect(world.grant(world.alice, {})).rejects.toThrow(/is paused/)
    const [said] = (await daemon.admin.must(daemon.admin.get(`/api/audit?kind=integration.access_ended`))).items
    expect(said).toMatchObject({ subject: world.integrationId, data: { reason: 'a key was stolen' } })

    const again = await daemon.admin.post(`${at()}/end-access`, { confirm: await nameOf(), reason: 'again' })
    expect(again.body).toMatchObject({ grants: [] })
    await resume()
    await world.until(world.alice, await world.grant(world.alice, {}), 'active')
  })

  it('is asked for at the command line, where the name is typed, and shows where the receipts are', async () => {
    const { ids } = await granted()
    const name = await nameOf()
    const latchkey = async (words: readonly string[], input: string) => {
      const printed: string[] = []
      const env = { LATCHKEY_CLI_URL: daemon.url, LATCHKEY_CLI_TOKEN: daemon.adminToken }
      const code = await run(words, {
        env,
        input: Readable.from([input]),
        print: (line: string) => printed.push(line),
        tell: (line: string) => printed.push(line),
      } as Parameters<typeof run>[1])
      return { code, out: printed.join('\n') }
    }
    const command = ['end-access', name, '--reason', 'a key was stolen']
    const mistyped = await latchkey(command, 'something else\n')
    expect(mistyped.code).not.toBe(0)
    expect(mistyped.out).toContain('To go on, type the name')
    expect((await daemon.admin.get(at())).body.state).toBe('active')
    const done = await latchkey(command, `${name}\n`)
    expect(done, done.out).toMatchObject({ code: 0 })
    for (const id of ids) expect(done.out).toContain(`latchkey receipt ${id}`)
    await expectEnded(ids)
    await resume()
  })

  it('is carried out by the next daemon when this one dies after the order', async () => {
    const { ids } = await granted()
    const confirm = await nameOf()
    await within(daemon.database.url, async (client) => {
      await client.query('begin')
      await client.query('select 1 from grants where id = any($1) for update', [ids])
      const ordering = daemon.admin.post(`${at()}/end-access`, { confirm, reason: 'a key was stolen' }).catch(() => undefined)
      await waitFor('the order to be given', async () => {
        const orders = await daemon.database.query(
          `select 1 from audit_events where kind = 'integration.access_ended' and subject = $1 and body like '%stolen%'
             and at > now() - interval '20 seconds' and exists (select 1 from due_work where kind = 'integration.end-access')`,
          [world.integrationId],
        )
        return orders.length > 0
      })
      await daemon.kill()
      await client.query('rollback')
      await ordering
    })
    expect((await daemon.database.query(`select state from grants where id = any($1)`, [ids])).map(({ state }) => state)).toEqual(
      ['active', 'active'],
    )
    await daemon.start()
    await expectEnded(ids)
  }, 90_000)
})
