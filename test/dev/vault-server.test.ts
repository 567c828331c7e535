import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startProcess } from '../../dev/vault/vault-process.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { setUpVault } from '../../dev/vault/vault-setup.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { isAlive, processState, runSource } from '../support/child-process.ts'

const POLICY = JSON.stringify({ path: { 'kv/metadata/*': { capabilities: ['list'] } } })

describe.each(await serversUnderTest())('a $product $version', (binary) => {
  let server: VaultServer
  beforeAll(async () => {
    server = await startVaultServer({ binary })
  })
  afterAll(() => server.stop())

  it('is active, on raft, and writes down every call without its values', async () => {
    await server.api('PUT', 'cubbyhole/note', { text: 'what nobody may read' })
    expect(await server.api('GET', 'sys/health')).toMatchObject({
      status: 200,
      body: { initialized: true, sealed: false, standby: false },
    })
    expect((await server.api('GET', 'sys/storage/raft/configuration')).status).toBe(200)
    const lines = await server.auditLines()
    expect(lines).toContainEqual(
      expect.objectContaining({ request: expect.objectContaining({ path: 'cubbyhole/note', operation: 'create' }) }),
    )
    expect(JSON.stringify(lines)).not.toContain('what nobody may read')
  })

  it('keeps its data through a seal, a restart and a kill', async () => {
    const { pid } = server
    await setUpVault(server, { policy: POLICY })
    await server.api('POST', 'kv/data/app', { data: { colour: 'blue' } })
    await server.seal()
    expect((await server.api('GET', 'kv/data/app')).status).toBe(503)
    await server.unseal()
    await server.restart()
    await server.kill('SIGKILL')
    await server.restart()
    expect(server.pid).not.toBe(pid)
    expect((await server.api('GET', 'kv/data/app')).body.data.data).toEqual({ colour: 'blue' })
  })

  it('stands still while it is paused and answers once it is resumed', async () => {
    server.pause()
    await waitFor('the pause', async () => processState(server.pid).startsWith('T'))
    const answer = server.api('GET', 'sys/health')
    server.resume()
    expect((await answer).status).toBe(200)
  })

  it('gives the broker an AppRole with its own policy alone, however often it is set up', async () => {
    await setUpVault(server, { policy: POLICY })
    const login = await setUpVault(server, { policy: POLICY, policyName: 'another-name' })
    const { body } = await server.api('POST', 'auth/approle/login', { role_id: login.roleId, secret_id: login.secretId })
    expect(body.auth).toMatchObject({ policies: ['another-name'], lease_duration: 3600 })
    const asBroker = { 'x-vault-token': body.auth.client_token }
    expect((await server.api('GET', 'kv/metadata/?list=true', undefined, asBroker)).status).not.toBe(403)
    expect((await server.api('GET', 'kv/data/app', undefined, asBroker)).status).toBe(403)
  })

  it('does not take a server that was quicker at its port for its own', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'latchkey-late-'))
    const plan = {
      product: binary.product,
      mode: 'dev',
      folder,
      port: Number(new URL(server.address).port),
      tls: false,
      audit: false,
    } as const
    expect(await startProcess(binary, plan, 'warn')).toBeUndefined()
    await rm(folder, { recursive: true })
  })

  it('speaks TLS to those who know its CA and to nobody else', async () => {
    const secured = await startVaultServer({ binary, tls: true })
    try {
      expect(secured.address).toMatch(/^https:/)
      expect((await secured.api('GET', 'sys/health')).status).toBe(200)
      await expect(request(`${secured.address}/v1/sys/health`)).rejects.toThrow(/certificate/)
    } finally {
      await secured.stop()
    }
  })

  it('takes up the data of a folder it was given before', async () => {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'latchkey-kept-'))
    const first = await startVaultServer({ binary, dir })
    await first.api('PUT', 'cubbyhole/note', { text: 'still here' })
    await first.stop()
    expect((await stat(path.join(dir, 'keys.json'))).mode & 0o077).toBe(0)
    const second = await startVaultServer({ binary, dir })
    expect((await second.api('GET', 'cubbyhole/note')).body.data).toEqual({ text: 'still here' })
    await second.stop()
    await rm(dir, { recursive: true })
  })

  it('leaves neither process nor folder when it is stopped', async () => {
    const brief = await startVaultServer({ binary, mode: 'dev' })
    const { pid, auditFile } = brief
    expect(isAlive(pid)).toBe(true)
    await brief.stop()
    expect(isAlive(pid)).toBe(false)
    expect(existsSync(path.dirname(auditFile))).toBe(false)
  })

  it('dies with the process that started it, even by SIGKILL and while paused', async () => {
    const parent = runSource(`
      import { startVaultServer } from '../../dev/vault/vault-server.ts'
      const server = await startVaultServer({ binary: ${JSON.stringify(binary)} })
      console.log(JSON.stringify({ pid: server.pid, auditFile: server.auditFile }))
      server.pause()
    `)
    const { pid, auditFile } = JSON.parse(await parent.firstLine) as { pid: number; auditFile: string }
    expect(isAlive(pid)).toBe(true)
    parent.child.kill('SIGKILL')
    await waitFor('the server to be gone', async () => !isAlive(pid) && !existsSync(path.dirname(auditFile)))
  })
})
