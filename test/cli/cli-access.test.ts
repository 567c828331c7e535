import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vaultBinary } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { facts, table } from '../../src/cli/lines.ts'
import { run } from '../../src/cli/main.ts'
import { type PersonInWorld, startWorld, tries, type World } from '../support/world.ts'

async function latchkey(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const printed: string[] = []
  const told: string[] = []
  const code = await run(words, { env, print: (line) => printed.push(line), tell: (line) => told.push(line) })
  return { code, out: printed.join('\n'), told: told.join('\n') }
}

describe('what other people wrote', () => {
  it('cannot steer the terminal or hide in it', () => {
    const evil = 'a\u001b[2Jb\u202ec\nd\u009b'
    for (const line of [...table(['TEXT'], [[evil]]), ...facts({ text: evil })]) {
      expect(line).not.toMatch(/[\p{Cc}\u202e]/u)
    }
    expect(facts({ text: evil })[0]).toContain('a\\u{1b}[2Jb\\u{202e}c⏎d\\u{9b}')
  })
})

describe('the command line of people', () => {
  let vault: VaultServer
  let world: World
  let folder: string
  let owner: PersonInWorld

  beforeAll(async () => {
    vault = await startVaultServer({ binary: await vaultBinary() })
    world = await startWorld(vault)
    owner = await world.person('olga', ['admin'], ['read', 'manage', 'approve'])
    folder = await mkdtemp(path.join(tmpdir(), 'lk-cli-'))
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  const as = (who: PersonInWorld) => (words: readonly string[]) =>
    latchkey(words, { LATCHKEY_CLI_URL: world.broker.url, LATCHKEY_CLI_TOKEN: who.token })
  const answer = async (who: PersonInWorld, words: readonly string[]) => {
    const { code, out, told } = await as(who)([...words, '--json'])
    expect({ code, told }).toEqual({ code: 0, told: expect.any(String) })
    return JSON.parse(out)
  }

  it('says what a request still waits for, stage by stage, and beforehand who would be asked', async () => {
    const { alice, bob } = world
    const [carol, dave] = [await world.person('carol'), await world.person('dave')]
    const stage = (needed: number, ...users: PersonInWorld[]) => ({
      approvers: [{ kind: 'people', groups: [], users: users.map(({ id }) => id) }],
      needed,
    })
    const stages = [stage(1, bob), stage(2, carol, dave)]
    const { id: flowId } = await world.flow({ approval: { kind: 'stages', stages } })
    const ask = ['request', 'kv/app/db', '--permission', 'read', '--for', '1h', '--because', 'INC-18', '--flow', flowId]
    const beforehand = await as(alice)([...ask, '--dry-run'])
    expect(beforehand.out).toMatch(
      new RegExp(`1 of ${bob.name}; then 2 of (${carol.name}, ${dave.name}|${dave.name}, ${carol.name})`),
    )
    const unsaid = ask.filter((word) => word !== '--for' && word !== '1h')
    expect((await as(alice)([...unsaid, '--dry-run'])).out, 'nobody said how long').toMatch(/^for +1h$/m)
    const asked = await as(alice)(unsaid)
    expect(asked.out).toContain(`1 of ${bob.name} (stage 1 of 2)`)
    const id = /req_[0-9a-z]+/.exec(asked.out)![0]
    const view = () => alice.api.must(alice.api.get(`/api/access-requests/${id}`))
    expect(await view()).toMatchObject({ waitsFor: [{ missing: 1, people: [{ id: bob.id }] }], needed: 3, seconds: 3600 })
    const approve = async (who: PersonInWorld) => (await as(who)(['approve', id])).out
    expect(await approve(bob)).toMatch(/2 of [^\n]*, [^\n]* \(stage 2 of 2\)/)
    expect(await approve(carol)).toContain(`1 of ${dave.name} (stage 2 of 2)`)
    expect(await view()).toMatchObject({ waitsFor: [{ missing: 1, people: [{ id: dave.id }] }] })
    await approve(dave)
    expect(await view()).toMatchObject({ state: 'approved', waitsFor: [] })
  })

  it('finds, asks, approves for less, waits, opens, and gives back', async () => {
    const { alice, bob } = world
    const { id: flowId } = await world.flow({ approval: { kind: 'approvers', users: [bob.id], groups: [], needed: 1 } })
    const search = await as(alice)(['search', 'app/db'])
    expect(search).toMatchObject({ code: 0, out: expect.stringMatching(/res_\S+ +kv\/app\/db +vault-kv-secret/) })

    const ask = ['request', 'kv/app/db', '--permission', 'read', '--for', '2h', '--because', 'INC-17', '--flow', flowId]
    const prospect = await as(alice)([...ask, '--dry-run'])
    expect(prospect.out).toContain(`1 of ${bob.name}`)
    expect((await answer(alice, ['requests'])).items.filter(({ state }: { state: string }) => state === 'pending')).toEqual([])

    const waiting = as(alice)([...ask, '--wait'])
    const request = await pendingFor(bob)
    expect((await as(bob)(['requests', '--to-approve'])).out).toMatch(/INC-17/)
    const approved = await as(bob)(['approve', request, '--for', '30m', '--reason', 'half an hour will do'])
    expect(approved.out).toContain('half an hour will do')
    const { code, out, told } = await waiting
    expect({ code, told }).toMatchObject({ code: 0, told: expect.stringContaining(bob.name) })
    expect(out).toMatch(/until .*\((29m|30m)/)
    const grant = /grt_[0-9a-z]{26}/.exec(out)![0]

    expect((await as(alice)(['grants'])).out).toMatch(new RegExp(`${grant} +active .* kv/app/db \\(read\\)`))
    const opened = await as(alice)(['open', grant])
    expect(opened.out).toMatch(/(vault|bao) unwrap/)
    const raw = await as(alice)(['open', grant, '--raw'])
    const wrapping = /^(\w+)='([^']+)'$/m.exec(raw.out)!
    expect(opened.out).toContain(`$${wrapping[1]}`)
    const unwrapped = await vault.api('POST', 'sys/wrapping/unwrap', {}, { 'x-vault-token': wrapping[2]! })
    const token = unwrapped.body.auth.client_token
    expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(200)

    expect(await as(alice)(['receipt', grant])).toMatchObject({ code: 1, told: expect.stringContaining('active') })
    expect((await as(alice)(['give-back', grant])).code).toBe(0)
    await world.until(alice, grant, 'revoked')
    expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(403)
    expect((await as(alice)(['receipt', grant])).out).toMatch(/policy .* yes /)
    const kept = await answer(alice, ['receipt', grant])
    expect(kept).toEqual(await alice.api.must(alice.api.get(`/api/grants/${grant}/receipt`)))
    expect((await answer(alice, ['grants', '--ended'])).items.map(({ id }: { id: string }) => id)).toContain(grant)
  })

  it('rejects with a reason, and the requester is told so', async () => {
    const { alice, bob } = world
    const { id: flowId } = await world.flow({ approval: { kind: 'approvers', users: [bob.id], groups: [], needed: 1 } })
    const waiting = as(alice)(['request', 'kv/app/cache', '--permission', 'read', '--for', '1h', '--flow', flowId, '--wait'])
    const request = await pendingFor(bob)
    expect((await as(bob)(['reject', request])).code).toBe(2)
    expect((await as(bob)(['reject', request, '--reason', 'use the replica'])).code).toBe(0)
    expect(await waiting).toMatchObject({
      code: 1,
      out: expect.stringContaining('use the replica'),
      told: expect.stringContaining('rejected'),
    })
  })

  it('extends, revokes with a reason, and takes a report', async () => {
    const { alice } = world
    const { id: flowId } = await world.flow({ extensions: { count: 1, maxSeconds: 3600 } })
    const grant = await world.grant(alice, { flowId })
    expect(await answer(alice, ['extend', grant, '--for', '10m', '--because', 'nearly there'])).toMatchObject({
      state: 'approved',
      seconds: 600,
    })
    expect((await as(owner)(['revoke', grant, '--reason', 'drill'])).code).toBe(0)
    expect(await world.until(alice, grant, 'revoked')).toMatchObject({ endReason: 'revoked', endNote: 'drill' })

    const other = await world.grant(alice, { flowId })
    expect((await as(alice)(['report', other, '--note', 'it was open already'])).code).toBe(0)
    expect(await world.until(alice, other, 'revoked')).toMatchObject({ endReason: 'reported', endNote: 'it was open already' })
  })

  it('shows an integration’s minimum policy, checks it, and discovers', async () => {
    const { name } = await world.broker.admin.must(world.broker.admin.get(`/api/integrations/${world.integrationId}`))
    expect((await as(owner)(['policy', name.toUpperCase()])).out).toContain('capabilities')
    expect(await as(owner)(['check', world.integrationId])).toMatchObject({ code: 0, out: expect.stringMatching(/^ok +login/m) })
    expect(await as(owner)(['sync', name, '--wait'])).toMatchObject({ code: 0, out: expect.stringContaining('completed') })
    expect(await as(owner)(['check', 'nowhere'])).toMatchObject({ code: 1, told: expect.stringContaining(name) })
  })

  it('prints the policy and the commands for an integration that is not there yet', async () => {
    const file = path.join(folder, 'config.json')
    await writeFile(file, JSON.stringify({ address: 'https://vault.example.com', kvMounts: ['team'], transitMounts: ['keys'] }))
    const { out } = await as(owner)(['policy', '--config', file])
    expect(out).toContain('"team/metadata/*"')
    const commands = (await as(owner)(['policy', '--config', file, '--commands'])).out
    expect(out.endsWith(commands)).toBe(true)
    expect(commands).toMatch(
      /^export VAULT_ADDR='https:\/\/vault\.example\.com' BAO_ADDR='https:\/\/vault\.example\.com'\nunset /,
    )
    await writeFile(file, 'canary-of-a-secret {"address": ')
    const refused = await as(owner)(['policy', '--config', file])
    expect(refused).toMatchObject({ code: 1, told: expect.stringContaining('is not JSON') })
    expect(refused.told).not.toContain('canary')
    expect(await as(owner)(['policy'])).toMatchObject({ code: 1, told: expect.stringContaining('--config') })
  })

  it('calls whatever of the API has no command', async () => {
    const file = path.join(folder, 'body.json')
    await writeFile(file, JSON.stringify({ name: 'Pat', email: 'pat@example.com' }))
    const made = await as(owner)(['api', 'post', '/api/users', file, '--pick', 'id'])
    expect(made.out).toMatch(/^usr_[0-9a-z]{26}$/)
    expect(JSON.parse((await as(owner)(['api', 'GET', `/api/users/${made.out}`])).out)).toMatchObject({ name: 'Pat' })
    expect(await as(owner)(['api', 'GET', '/api/users?limit=0'])).toMatchObject({
      code: 1,
      told: expect.stringContaining('limit'),
    })
    for (const words of [
      ['SEND', '/api/me'],
      ['GET', 'https://elsewhere.example.com/api/me'],
      ['GET', '//elsewhere.example.com'],
      ['GET', '/api/me', '--pick', 'nothing'],
    ])
      expect((await as(owner)(['api', ...words])).code, words.join(' ')).toBe(1)
  })

  it('takes permissions before and after the names, and an integration where two have a resource', async () => {
    const { alice } = world
    await world.flow({ permissions: { 'vault-kv-secret': ['read', 'list'] } })
    const before = await answer(alice, ['request', '--permission', 'read', '--for', '5m', 'kv/app/db', '--dry-run'])
    const after = await answer(alice, ['request', 'kv/app/db', '--permission', 'read,list', '--for', '5m', '--dry-run'])
    const twice = ['request', 'kv/app/db', '--permission', 'read', '--permission', 'list', '--for', '5m', '--dry-run']
    const policies = ({ steps }: { steps: { summary: string }[] }) => steps.map(({ summary }) => summary).join(' ')
    expect(policies(before)).not.toContain('list')
    expect(policies(after)).toContain('list')
    expect(policies(await answer(alice, twice))).toBe(policies(after))
    const { name } = await answer(owner, ['api', 'GET', `/api/integrations/${world.integrationId}`])
    const there = await answer(alice, [
      'request',
      'kv/app/db',
      '--integration',
      name,
      '--permission',
      'read',
      '--for',
      '5m',
      '--dry-run',
    ])
    expect(policies(there)).toBe(policies(before))
    expect(
      await as(alice)(['request', 'kv/app/db', '--integration', 'nowhere', '--permission', 'read', '--for', '5m']),
    ).toMatchObject({
      code: 1,
      told: expect.stringContaining('nowhere'),
    })
  })

  it('says what the broker refuses, what to do about it, and under which request the log has it', async () => {
    const { code, out, told } = await as(world.alice)(['approve', 'req_00000000000000000000000000'])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(told).toMatch(/request [0-9a-f]{24}$/)
    expect(await as(world.alice)(['open', '../integrations'])).toMatchObject({
      code: 1,
      told: expect.stringContaining('id of a grant'),
    })
    expect(await as(world.alice)(['request', 'kv/no/such', '--permission', 'read', '--for', '1h'])).toMatchObject({
      code: 1,
      told: expect.stringContaining('latchkey search kv/no/such'),
    })
    expect((await as(world.alice)(['request', 'kv/app/db', '--permission', 'read', '--for', '1 hour'])).code).toBe(2)
  })

  it('takes the token from the environment or a file, and never from the command line', async () => {
    const env = { LATCHKEY_CLI_URL: world.broker.url }
    expect(await latchkey(['grants'], env)).toMatchObject({ code: 1, told: expect.stringContaining('LATCHKEY_CLI_TOKEN') })
    expect((await latchkey(['grants', '--token', world.alice.token], env)).code).toBe(2)
    const file = path.join(folder, 'token')
    await writeFile(file, `${world.alice.token}\n`)
    await chmod(file, 0o600)
    expect((await latchkey(['grants', '--token-file', file], env)).code).toBe(0)
    expect((await latchkey(['grants', '--token-file', file, '--url', `${world.broker.url}/`])).code).toBe(0)
    const wrong = await latchkey(['grants'], { ...env, LATCHKEY_CLI_TOKEN: 'lk_wrong' })
    expect(wrong).toMatchObject({ code: 1, told: expect.stringContaining('no valid credential') })
    expect(wrong.told).not.toContain('lk_wrong')
  })

  it('follows no redirect with a token, and knows what is no broker', async () => {
    const calls: (string | undefined)[] = []
    const server = createServer(({ url, headers }, response) => {
      calls.push(headers.authorization)
      if (url?.startsWith('/moved')) response.writeHead(307, { location: '/elsewhere' }).end()
      else response.end('<html>')
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const call = (to: string) => latchkey(['grants'], { LATCHKEY_CLI_URL: to, LATCHKEY_CLI_TOKEN: 'lk_mine' })
    expect(await call(`${url}/moved`)).toMatchObject({ code: 1, told: expect.stringContaining('does not answer') })
    expect(calls).toHaveLength(1)
    expect(await call(url)).toMatchObject({ code: 1, told: expect.stringContaining('it does not answer like Latchkey') })
    await new Promise((resolve) => server.close(resolve))
    expect(await call(url)).toMatchObject({ code: 1, told: expect.stringContaining('does not answer') })
    expect(await call('http://broker.example')).toMatchObject({ code: 1, told: expect.stringContaining('in the clear') })
    expect(await call('ftp://x')).toMatchObject({ code: 1, told: expect.stringContaining('LATCHKEY_CLI_URL') })
  })

  async function pendingFor(approver: PersonInWorld): Promise<string> {
    for (;;) {
      const { items } = await answer(approver, ['requests', '--to-approve'])
      if (items.length > 0) return items[0].id
    }
  }
})
