import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { run } from '../../src/cli/main.ts'
import { startBroker } from '../support/broker.ts'
import { startWorld, type World } from '../support/world.ts'

const CANARY = 'canary-typed-by-an-admin'

describe.each(await serversUnderTest())('a secret that an admin rotates on $product $version', { timeout: 60_000 }, (binary) => {
  let vault: VaultServer
  let world: World

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault, { settings: { capabilities: ['discovery', 'grants', 'rotate-secrets'] } })
  }, 120_000)
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  const admin = () => world.broker.admin
  const stored = async () => (await vault.api('GET', 'kv/data/app/db')).body.data
  const latchkey = async (words: readonly string[], input?: unknown, token = world.broker.adminToken) => {
    const printed: string[] = []
    const told: string[] = []
    const { name } = await admin().must(admin().get(`/api/integrations/${world.integrationId}`))
    const code = await run(
      words.map((word) => (word === 'INTEGRATION' ? name : word)),
      {
        env: { LATCHKEY_CLI_URL: world.broker.url, LATCHKEY_CLI_TOKEN: token },
        input: Readable.from([input === undefined ? '' : JSON.stringify(input)]),
        print: (line) => printed.push(line),
        tell: (line) => told.push(line),
      },
    )
    return { code, out: printed.join('\n'), told: told.join('\n') }
  }
  const rotation = { mount: 'kv', path: 'app/db', fields: { password: { by: 'recipe', length: 24 } } }

  it('is rotated at the command line, read back, and rolled back to what it was', async () => {
    const before = await stored()
    const listed = await latchkey(['actions', 'INTEGRATION'])
    expect(listed.out).toMatch(/rotate-kv-secret .* yes/)
    const plan = await latchkey(['run', 'INTEGRATION', 'rotate-kv-secret', '-', '--plan'], rotation)
    expect(plan.out, plan.told).toContain('Writes version 2 of kv/app/db')
    expect(plan.out).toContain('It can be rolled back.')
    expect(plan.out).not.toContain(before.data.password)
    expect(await stored()).toEqual(before)

    const done = await latchkey(['run', 'INTEGRATION', 'rotate-kv-secret', '-', '--reason', 'it leaked'], rotation)
    expect(done.code, done.told).toBe(0)
    const id = /run_[0-9a-z]{26}/.exec(done.out)![0]
    const after = await stored()
    expect(after.metadata.version).toBe(2)
    expect(after.data.password).toMatch(/^[A-Za-z0-9]{24}$/)
    expect(after.data.username).toBe(before.data.username)

    expect((await latchkey(['rollback', id, '--plan'])).out).toContain('It can be taken back.')
    expect((await latchkey(['rollback', id])).told).toContain('--reason')
    const back = await latchkey(['rollback', id, '--reason', 'the application still has the old one'])
    expect(back.code, back.told).toBe(0)
    const restored = await stored()
    expect(restored.data).toEqual(before.data)
    expect(restored.metadata.version).toBe(3)
    const receipt = await latchkey(['receipt', id])
    expect(receipt.out).toMatch(/Before:[\s\S]*Done [\s\S]*version 2 [\s\S]*Taken back [\s\S]*version 3/)
    expect(receipt.out.match(/^ {2}POST kv\/data\/app\/db {2}200 {2}\S+ {2}\S+$/gm)).toHaveLength(2)
    expect((await latchkey(['runs'])).out).toMatch(/undone +rotate-kv-secret +kv\/app\/db/)
    for (const text of [done.out, done.told, receipt.out]) expect(text).not.toContain(after.data.password)
  })

  it('has no way back while the broker may not write it any more, and one again when it may', async () => {
    const done = await latchkey(['run', 'INTEGRATION', 'rotate-kv-secret', '-', '--reason', 'once more'], rotation)
    const id = /run_[0-9a-z]{26}/.exec(done.out)![0]
    const { config } = await admin().must(admin().get(`/api/integrations/${world.integrationId}`))
    const policy = `sys/policies/acl/${config.policyName}`
    const { policy: document } = (await vault.api('GET', policy)).body.data
    const preview = () => admin().must(admin().get(`/api/runs/${id}/rollback`))
    expect(await preview()).toMatchObject({ possible: true, by: 'admin' })
    const only = async (...capabilities: string[]) => {
      const { path } = JSON.parse(document)
      const changed = { path: { ...path, 'kv/data/app/db': { capabilities } } }
      expect((await vault.api('POST', policy, { policy: JSON.stringify(changed) })).status).toBe(204)
    }
    await only('read')
    expect(await preview()).toMatchObject({
      possible: false,
      because: expect.stringContaining('no right to update kv/data/app/db'),
      restores: [],
    })
    const refused = await admin().post(`/api/runs/${id}/rollback`, { reason: 'back' })
    expect(refused.body).toMatchObject({ code: 'conflict', message: expect.stringContaining('no right to update') })
    await only('deny')
    expect(await preview()).toMatchObject({ possible: false, because: expect.stringContaining('kv/data/app/db') })
    await vault.api('POST', policy, { policy: document })
    expect(await preview()).toMatchObject({ possible: true })
    await admin().must(admin().post(`/api/runs/${id}/rollback`, { reason: 'back' }))
    await waitFor('it to be taken back', async () => (await admin().get(`/api/runs/${id}`)).body.state === 'undone')
    const receipt = await admin().must(admin().get(`/api/runs/${id}/receipt`))
    expect(receipt).toMatchObject({
      before: [{ before: { version: expect.any(Number) } }],
      done: { evidence: [{ holds: true, requestId: expect.any(String), requestIdBy: 'target' }] },
      undo: { by: { id: expect.stringMatching(/^usr_/) }, reason: 'back' },
      undone: { evidence: [{ holds: true, requestId: expect.any(String), requestIdBy: 'target' }] },
    })
  })

  it('is not rolled back over what somebody else wrote since, and the run says so', async () => {
    const done = await latchkey(['run', 'INTEGRATION', 'rotate-kv-secret', '-', '--reason', 'again'], rotation)
    const id = /run_[0-9a-z]{26}/.exec(done.out)![0]
    await vault.api('POST', 'kv/data/app/db', { data: { username: 'app', password: 'by hand' } })
    const refused = await latchkey(['rollback', id, '--reason', 'back'])
    expect(refused.code).not.toBe(0)
    expect(refused.told).toMatch(/cannot be undone/)
    expect((await stored()).data.password).toBe('by hand')
    expect((await admin().get(`/api/runs/${id}`)).body.state).toBe('executed')
  })

  it('takes a value that was typed, and keeps none of it anywhere', async () => {
    const typed = { ...rotation, fields: { password: { by: 'value', value: CANARY } } }
    const done = await latchkey(
      ['run', 'INTEGRATION', 'rotate-kv-secret', '-', '--reason', 'given by the vendor', '--json'],
      typed,
    )
    expect(done.code, done.told).toBe(0)
    expect((await stored()).data.password).toBe(CANARY)
    const id = JSON.parse(done.out).id as string
    const kept = await Promise.all([
      world.broker.database.query('select * from action_runs'),
      world.broker.database.query('select * from action_steps'),
      world.broker.database.query('select * from ordered_runs'),
      world.broker.database.query('select * from audit_events'),
      admin().get(`/api/runs/${id}`),
      admin().get(`/api/runs/${id}/steps`),
      admin().get(`/api/runs/${id}/receipt`),
    ])
    expect(JSON.stringify(kept)).not.toContain(CANARY)
    expect(world.broker.log.join('\n')).not.toContain(CANARY)
  })

  it('is asked for by somebody who is no admin, by the name of the integration, and done once it is approved', async () => {
    const { alice, bob } = world
    const flow = await world.flow({
      actions: { 'vault-kv-secret': ['rotate-kv-secret'] },
      approval: { kind: 'approvers', users: [bob.id], groups: [] },
    })
    const before = await stored()
    const words = ['run', 'INTEGRATION', 'rotate-kv-secret', '-', '--ask', '--flow', flow.id, '--reason', 'it is old']
    const asked = await latchkey(words, rotation, alice.token)
    expect(asked.code, asked.told).toBe(0)
    expect(asked.out).toMatch(/action +kv\/app\/db \(rotate-kv-secret\)/)
    expect(asked.out).not.toMatch(/\b1s\b/)
    expect(await stored()).toEqual(before)
    const id = /req_[0-9a-z]{26}/.exec(asked.out)![0]
    await bob.api.must(bob.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' }))
    await waitFor('the new version', async () => (await stored()).metadata.version === before.metadata.version + 1)
  })

  it('is refused while the integration is not allowed to rotate, and while it is paused', async () => {
    await admin().must(admin().post(`/api/integrations/${world.integrationId}/pause`))
    const paused = await latchkey(['run', 'INTEGRATION', 'rotate-kv-secret', '-', '--reason', 'now'], rotation)
    expect(paused.told).toContain('paused')
    await admin().must(admin().post(`/api/integrations/${world.integrationId}/resume`))
    const { config } = await admin().must(admin().get(`/api/integrations/${world.integrationId}`))
    const at = `/api/integrations/${world.integrationId}`
    await admin().must(admin().patch(at, { config: { ...config, capabilities: ['discovery', 'grants'] } }))
    const refused = await latchkey(['run', 'INTEGRATION', 'rotate-kv-secret', '-', '--reason', 'now'], rotation)
    expect(refused.told).toContain('does not allow the action rotate-kv-secret')
    await admin().must(admin().patch(at, { config }))
  })

  it('waits for a second admin with four eyes, who sees what would be done', async () => {
    const { database, key } = world.broker
    const careful = await startBroker({ database, key, config: { fourEyes: true } })
    try {
      const second = careful.api((await world.person('second admin', ['admin'], ['read', 'manage'])).token)
      const before = await stored()
      const order = { integrationId: world.integrationId, action: 'rotate-kv-secret', input: rotation, reason: 'by two' }
      const held = await careful.admin.post('/api/runs', order)
      expect(held, held.text).toMatchObject({
        status: 202,
        body: {
          kind: 'run.order',
          state: 'open',
          summary: { action: 'rotate-kv-secret', steps: [{ summary: expect.stringContaining('kv/app/db') }] },
        },
      })
      expect((await careful.admin.post(`/api/proposals/${held.body.id}/accept`)).body.code).toBe('access.self_approval')
      const owner = careful.api((await world.person('an owner', ['owner'], ['read', 'manage'])).token)
      expect((await owner.post(`/api/proposals/${held.body.id}/accept`)).status).toBe(403)
      expect(await stored()).toEqual(before)
      await second.must(second.post(`/api/proposals/${held.body.id}/accept`))
      await waitFor('the new version', async () => (await stored()).metadata.version === before.metadata.version + 1)
      const [{ id }] = (await careful.admin.must(careful.admin.get('/api/runs'))).items

      // What was accepted is what is done, or nothing.
      const late = await careful.admin.post('/api/runs', order)
      await vault.api('POST', 'kv/data/app/db', { data: { username: 'app', password: 'written meanwhile' } })
      await second.must(second.post(`/api/proposals/${late.body.id}/accept`))
      const changed = await waitFor('the run to be refused', async () => {
        const { items } = await careful.admin.must(careful.admin.get('/api/runs'))
        return items[0].id !== id && items[0].state === 'failed' && items[0]
      })
      expect(changed).toMatchObject({ problem: { code: 'access.plan_changed' } })
      expect((await stored()).data.password).toBe('written meanwhile')

      // The way back waits for the second admin as well.
      const again = await careful.admin.must(careful.admin.post('/api/runs', order))
      await second.must(second.post(`/api/proposals/${again.id}/accept`))
      const done = await waitFor('the run to be done', async () => {
        const { items } = await careful.admin.must(careful.admin.get('/api/runs'))
        return items[0].state === 'executed' && items[0].id !== id && items[0]
      })
      const preview = await careful.admin.must(careful.admin.get(`/api/runs/${done.id}/rollback`))
      expect(preview).toMatchObject({ possible: true, by: 'two_admins' })
      const back = await careful.admin.post(`/api/runs/${done.id}/rollback`, { reason: 'alone' })
      expect(back, back.text).toMatchObject({ status: 202, body: { kind: 'run.roll_back', summary: { reason: 'alone' } } })
      expect((await careful.admin.get(`/api/runs/${done.id}`)).body.state).toBe('executed')
      await second.must(second.post(`/api/proposals/${back.body.id}/accept`))
      await waitFor('it to be taken back', async () => (await careful.admin.get(`/api/runs/${done.id}`)).body.state === 'undone')
      expect((await stored()).data.password).toBe('written meanwhile')
    } finally {
      await careful.close()
    }
  })
})
