import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { health } from '../../../plugins/vault/health.ts'
import { connected } from '../../support/vault-broker.ts'

describe('the doctor, told a node’s state,', () => {
  it.each([
    [429, { standby: true }, 'ok', 'a standby, which forwards'],
    [473, { standby: true, performance_standby: true }, 'ok', 'a performance standby, which forwards'],
    [200, { replication_performance_mode: 'secondary' }, 'ok', 'active, in a performance secondary'],
    [429, { standby: true, replication_performance_mode: 'secondary' }, 'ok', 'which forwards, in a performance secondary'],
    [472, {}, 'ok', 'a disaster recovery secondary'],
    [200, { replication_dr_mode: 'secondary' }, 'ok', 'a disaster recovery secondary'],
    [200, { replication_dr_mode: 'primary', replication_performance_mode: 'primary' }, 'ok', 'version 1.0.0, active'],
    [474, { standby: true }, 'failed', 'does not reach the active node'],
    [501, { initialized: false }, 'failed', 'never initialised'],
    [530, {}, 'failed', 'removed from its cluster'],
    [200, { server_time_utc: 1_000_000_000 }, 'warning', 'clock'],
  ])('understands %i %j', async (status, body, expected, detail) => {
    const answer = { initialized: true, sealed: false, standby: false, version: '1.0.0', ...body }
    expect(await serverSaid(status, JSON.stringify(answer))).toMatchObject({
      status: expected,
      detail: expect.stringContaining(detail),
    })
  })

  it.each([
    [472, {}],
    [200, { replication_dr_mode: 'secondary' }],
  ])('reaches a disaster recovery secondary, and says that it takes neither logins nor writes: %i %j', async (status, more) => {
    const checks = await saidBy(status, JSON.stringify({ initialized: true, sealed: false, version: '1.0.0', ...more }))
    const refused = { name: 'logins and writes', status: 'failed', fix: expect.stringContaining('active cluster') }
    expect(checks.slice(1)).toMatchObject([{ name: 'server', status: 'ok' }, refused])
  })

  it('does not take another program for Vault', async () => {
    expect(await serverSaid(200, '<html>welcome</html>')).toMatchObject({
      status: 'failed',
      fix: expect.stringContaining('correct the address'),
    })
    expect(await serverSaid(404, 'not found')).toMatchObject({ status: 'failed' })
  })

  const serverSaid = async (status: number, text: string) => (await saidBy(status, text)).find(({ name }) => name === 'server')

  async function saidBy(status: number, text: string) {
    const node = createServer((_, response) => response.writeHead(status).end(text))
    await new Promise<void>((listening) => node.listen(0, '127.0.0.1', listening))
    const address = `http://127.0.0.1:${(node.address() as AddressInfo).port}`
    const { client } = await connected(address, { auth: { method: 'token', token: 'nobody’s' } })
    const checks = await health(client, new AbortController().signal)
    await client.close()
    await new Promise((closed) => node.close(closed).closeAllConnections())
    return checks
  }
})
