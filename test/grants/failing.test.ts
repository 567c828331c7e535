import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { run } from '../../src/cli/main.ts'
import { decodedHeader, type PostOffice, startPostOffice } from '../support/smtp.ts'
import { startWorld, traces, type World } from '../support/world.ts'

describe.each(await serversUnderTest())('access that was approved and cannot be given, on $product $version', (binary) => {
  let vault: VaultServer
  let office: PostOffice
  let world: World

  beforeAll(async () => {
    ;[vault, office] = await Promise.all([startVaultServer({ binary }), startPostOffice()])
    const from = { name: 'Latchkey', address: 'latchkey@broker.example' }
    const smtp = { host: '127.0.0.1', port: office.port, secure: false, from }
    world = await startWorld(vault, { config: { development: true, publicUrl: 'https://latchkey.example', smtp } })
    const { admin } = world.broker
    await admin.must(admin.patch(`/api/users/${world.alice.id}`, { email: 'alice@people.example' }))
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
    await office?.close()
  })

  async function letterTo(address: string, subject: string): Promise<string> {
    const theirs = () =>
      office.letters.find(
        ({ to, headers }) => to.includes(address) && decodedHeader(headers.get('subject') ?? '').includes(subject),
      )
    await expect.poll(theirs, { timeout: 15_000 }).toBeDefined()
    return theirs()!.plain
  }

  async function printed(words: readonly string[], token: string): Promise<string> {
    const lines: string[] = []
    const env = { LATCHKEY_CLI_URL: world.broker.url, LATCHKEY_CLI_TOKEN: token }
    const take = (line: string) => void lines.push(line)
    expect(await run(words, { env, print: take, tell: take })).toBe(0)
    return lines.join('\n')
  }

  it('says why and what to do: in the API, at the command line, and to the requester in the letter', async () => {
    const { alice, bob } = world
    const approval = { kind: 'approvers', users: [bob.id], groups: [], needed: 1 }
    const flow = await world.flow({ approval })
    const { id } = await world.request(alice, {
      flowId: flow.id,
      name: 'transit/orders',
      type: 'vault-transit-key',
      permissions: ['encrypt'],
    })
    // Between the plan that bob reads and the grant the keys go away.
    await vault.api('DELETE', 'sys/mounts/transit')
    await bob.api.must(bob.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' }))
    const { grantId } = await alice.api.must(alice.api.get(`/api/access-requests/${id}`))
    const failed = await world.until(alice, grantId, 'failed')
    expect(failed).toMatchObject({
      endReason: 'failed',
      problem: { code: 'access.ungrantable', message: expect.stringContaining('transit/orders'), fix: expect.any(String) },
    })
    const { code, message, fix } = failed.problem
    expect(failed.endNote).toBe(message)

    const letter = (await letterTo('alice@people.example', 'could not be set up')).replace(/\s+/g, ' ')
    expect(letter).toContain(`Reason: ${message}`)
    expect(letter).toContain(`Do: ${fix}`)
    const [said] = (await world.broker.admin.must(world.broker.admin.get(`/api/audit?kind=grant.failed&subject=${grantId}`)))
      .items
    expect(said.data).toMatchObject({ code, message, fix })
    const shown = await printed(['grants', '--ended'], alice.token)
    expect(shown).toContain(`${grantId}: ${message} — ${fix} (${code})`)
    expect(await traces(vault)).toEqual([])
  })
})
