import net, { type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { startVaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { pass } from '../support/fault-proxy.ts'
import { expectNothingLeft, type Stage, setStage } from '../support/stage.ts'
import { furnished, inhabit, traces, type World } from '../support/world.ts'

/** The longest that anything may take once the server is well again. */
const WELL_AGAIN_MS = 30_000

describe('revocation', { timeout: 120_000 }, () => {
  const closing: { close(): Promise<unknown> }[] = []

  afterEach(async () => {
    for (const each of closing.splice(0).reverse()) await each.close()
  })

  async function staged(settings: Record<string, unknown> = {}): Promise<Stage<Broker>> {
    const stage = await setStage(startBroker, settings)
    closing.push(stage)
    return stage
  }

  async function granted(world: World, count: number, seconds = 3600): Promise<string[]> {
    const flow = await world.flow()
    const asked = await Promise.all(Array.from({ length: count }, () => world.request(world.alice, { flowId: flow.id, seconds })))
    const ids = asked.map(({ grantId }) => grantId!)
    for (const id of ids) await world.until(world.alice, id, /^(active|revoking|expired)$/) // the first may be over when the last is seen
    return ids
  }

  it('gets through a server that limits the rate of calls', async () => {
    const stage = await staged()
    const { vault, world } = stage
    const ids = await granted(world, 40)
    await vault.api('POST', 'sys/quotas/rate-limit/wave', { rate: 40, interval: '1s' })
    await Promise.all(ids.map((id) => world.alice.api.post(`/api/grants/${id}/give-back`)))
    await waitFor(
      'the limit to be felt',
      async () => stage.home.log.some((line) => line.includes('429')) || (await allOver(stage)),
    )
    for (const id of ids) await world.until(world.alice, id, 'revoked', WELL_AGAIN_MS)
    await vault.api('DELETE', 'sys/quotas/rate-limit/wave')
    await expectNothingLeft(stage)
  })

  it('ends access at one server while another one hangs', async () => {
    const sick = await staged({ timeoutSeconds: 90 })
    const vault = await startVaultServer({ audit: false })
    closing.push({ close: () => vault.stop() })
    const well = await inhabit(sick.home, vault, await furnished(vault))
    const sickIds = await granted(sick.world, 30)
    const cured = Promise.withResolvers<void>()
    let hanging = 0
    sick.proxy.always(async (call) => {
      hanging += 1
      await Promise.race([cured.promise, call.abandoned])
      hanging -= 1
      call.drop()
    })
    await Promise.all(sickIds.map((id) => sick.world.alice.api.post(`/api/grants/${id}/give-back`)))
    const ids = await granted(well, 10, 3)
    // Long before the first call to the other server is given up: the next behind one of them comes too late.
    for (const id of ids) await well.until(well.alice, id, 'expired', 60_000)
    expect(hanging, 'calls to the sick one, without an answer').toBeGreaterThan(0)
    expect(await sick.database.query(`select 1 from grants where ended_at is null`)).toHaveLength(30)
    expect(await traces(vault)).toEqual([])
    sick.proxy.always(undefined)
    cured.resolve()
    await waitFor('the sick one to be cleared up too', () => allOver(sick), WELL_AGAIN_MS)
    await expectNothingLeft(sick)
  })

  it('resumes soon after a server that answered everything with 500 is well again', async () => {
    const stage = await staged()
    const ids = await granted(stage.world, 10)
    stage.proxy.always(async (call) => {
      await call.forward()
      await call.reply({ status: 500, body: '{"errors":["1 error occurred: * failed to audit response"]}' })
    })
    await Promise.all(ids.map((id) => stage.world.alice.api.post(`/api/grants/${id}/give-back`)))
    const rows = () =>
      stage.database.query<{ attempts: number; inSeconds: number }>(
        `select attempts, extract(epoch from run_at - clock_timestamp())::float as "inSeconds" from due_work where subject = any($1)`,
        [ids],
      )
    const triedOften = async () => {
      const found = await rows()
      return found.length === ids.length && found.every(({ attempts }) => attempts >= 8) && found
    }
    // Doubled each time, the pause would be half a minute by now.
    const waiting = await waitFor('the fault to last', triedOften, 90_000)
    expect(Math.max(...waiting.map(({ inSeconds }) => inSeconds))).toBeLessThan(10)
    stage.proxy.always(pass)
    await waitFor('all to be over', () => allOver(stage), WELL_AGAIN_MS)
    await expectNothingLeft(stage)
  })

  it('waits for a server that cannot write its audit log, and proves the end when it can', async (context) => {
    const stage = await staged()
    const { vault, world } = stage
    context.skip(vault.product === 'openbao', 'OpenBao takes audit devices by its file only')
    const log = await auditLog()
    closing.push(log)
    const options = { address: `127.0.0.1:${log.port}`, socket_type: 'tcp' }
    expect((await vault.api('PUT', 'sys/audit/socket', { type: 'socket', options })).status).toBe(204)
    const ids = await granted(world, 5)
    await log.block()
    await Promise.all(ids.map((id) => world.alice.api.post(`/api/grants/${id}/give-back`)))
    for (const id of ids) {
      await waitFor('the server’s fault to show', async () => {
        const { body } = await world.alice.api.get(`/api/grants/${id}`)
        return body.state === 'revoking' && body.problem !== null
      })
    }
    await log.unblock()
    for (const id of ids) await world.until(world.alice, id, 'revoked', WELL_AGAIN_MS)
    await expectNothingLeft(stage)
  })
})

async function allOver({ database }: Stage): Promise<boolean> {
  return (await database.query('select 1 from grants where ended_at is null')).length === 0
}

/** Where a server sends its audit log, and cannot while nobody listens. */
async function auditLog() {
  const sockets = new Set<Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).resume()
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo
  const block = async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { port, block, unblock: () => listen(port), close: block }
}
