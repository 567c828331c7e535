import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { startWorld, traces, tries, type World } from '../support/world.ts'

interface Look {
  readonly asked: string
  readonly observed: string
  readonly requestId: string
  readonly requestIdBy: string
}

interface Evidence extends Omit<Look, 'asked'> {
  readonly artefact: string
  readonly gone: boolean
  readonly looks: Look[]
  readonly mayStay: string | null
  readonly correlationAudited: boolean | null
}

describe.each(await serversUnderTest())('a receipt from $product $version', (binary) => {
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

  const broker = () => world.broker.admin

  async function openedGrant(): Promise<{ grantId: string; token: string; username: string; policy: string }> {
    const grantId = await world.grant(world.alice, {})
    const { token } = await world.open(world.alice, grantId)
    const steps = await world.alice.api.must(world.alice.api.get(`/api/grants/${grantId}/steps`))
    return { grantId, token, username: steps[0].args.username, policy: steps[1].args.name }
  }

  async function receiptOf(grantId: string): Promise<Record<string, Evidence>> {
    await world.alice.api.post(`/api/grants/${grantId}/give-back`)
    await world.until(world.alice, grantId, 'revoked')
    const { evidence } = await broker().must(broker().get(`/api/grants/${grantId}/receipt`))
    return Object.fromEntries(evidence.map((piece: Evidence) => [piece.artefact.split(' ')[0], piece]))
  }

  const accessor = async (): Promise<string> => (await vault.api('GET', 'sys/auth')).body.data['apono/'].accessor

  async function aliasesOf(username: string): Promise<string[]> {
    const { data } = (await vault.api('GET', 'identity/entity-alias/id?list=true')).body ?? {}
    const names = Object.values<{ name: string }>(data?.key_info ?? {}).map(({ name }) => name)
    return names.filter((name) => name === username)
  }

  async function remount(): Promise<void> {
    await vault.api('DELETE', 'sys/auth/apono')
    await vault.api('POST', 'sys/auth/apono', { type: 'userpass' })
  }

  /** As an administrator merges duplicates: what the login made goes into the entity of a person. */
  async function mergedIntoAPerson(username: string): Promise<string> {
    const person: string = (await vault.api('POST', 'identity/entity', { name: `person ${username}` })).body.data.id
    const at = { alias_name: username, alias_mount_accessor: await accessor() }
    const mine: string = (await vault.api('POST', 'identity/lookup/entity', at)).body.data.id
    await vault.api('POST', 'identity/entity/merge', { from_entity_ids: [mine], to_entity_id: person })
    return person
  }

  /** The one exchange of the audit file that an id stands for: what was asked, and what was answered. */
  async function exchange({ requestId, requestIdBy }: Omit<Look, 'asked'>) {
    const lines = await vault.auditLines()
    const asked = lines.filter(
      ({ type, request }) =>
        type === 'request' &&
        (requestIdBy === 'target' ? request.id === requestId : request.headers?.['x-correlation-id']?.includes(requestId)),
    )
    expect(asked, requestId).toHaveLength(1)
    const { id, operation, path } = asked[0]?.['request'] ?? {}
    const answer = lines.find(({ type, request }) => type === 'response' && request.id === id)?.['response']
    const verb = { read: 'GET', list: 'LIST', update: 'POST' }[operation as 'read' | 'list' | 'update']
    return {
      asked: `${verb} ${path.replace(/\/$/, '')}`,
      hasAnswer: answer?.data !== undefined,
      listed: answer?.data?.keys ?? [],
    }
  }

  it('states of each look what that very call asked and was answered, by the server’s own audit file', async () => {
    const other = await openedGrant() // so that no list is empty
    const { grantId, username, policy } = await openedGrant()
    const pieces = Object.values(await receiptOf(grantId))
    expect(pieces).toHaveLength(4)
    const hash = async (input: string): Promise<string> =>
      (await vault.api('POST', 'sys/audit-hash/file', { input })).body.data.hash
    const names = await Promise.all([username, `${username}/`, policy].map(hash))
    for (const piece of pieces) {
      expect(piece.looks.length).toBe(piece.artefact.startsWith('identity') ? 1 : 2)
      for (const look of piece.looks) {
        const found = await exchange(look)
        expect(found.asked).toBe(look.asked)
        expect(found.hasAnswer, `${look.asked}: ${look.observed}`).toBe(look.observed.startsWith('200'))
        expect(found.listed.filter((name: string) => names.includes(name))).toEqual([])
        expect(look.observed).toMatch(/^(404|204), not there$|^200, not in the list$/)
      }
      const { observed, requestId } = piece
      expect(piece.looks).toContainEqual(expect.objectContaining({ observed, requestId }))
      expect((await exchange(piece)).hasAnswer, `${piece.artefact}: ${observed}`).toBe(observed.startsWith('200'))
    }
    await receiptOf(other.grantId)
  })

  it('says what no end reaches: a wrapped copy of what was read', async () => {
    const { grantId, token } = await openedGrant()
    const read = await vault.api('GET', 'kv/data/app/db', undefined, { 'x-vault-token': token, 'x-vault-wrap-ttl': '24h' })
    await receiptOf(grantId)
    const copy = { 'x-vault-token': read.body.wrap_info.token as string }
    expect((await vault.api('POST', 'sys/wrapping/unwrap', {}, copy)).status).toBe(200)
    const { beyond } = await broker().must(broker().get(`/api/grants/${grantId}/receipt`))
    expect(beyond).toEqual([expect.stringMatching(/response-wrapped.*vault lease revoke -prefix/)])
  })

  it('is true after the mount was disabled and enabled again', async () => {
    await openedGrant().then(({ grantId }) => receiptOf(grantId))
    await remount()
    const { grantId, token, username } = await openedGrant()
    expect(await aliasesOf(username)).toHaveLength(1)
    const { identity } = await receiptOf(grantId)
    expect(identity).toMatchObject({ gone: true })
    expect(await aliasesOf(username)).toEqual([])
    expect(await tries(vault, token, 'GET', 'auth/token/lookup-self')).toBe(403)
    expect(await traces(vault)).toEqual([])
  })

  it('is true of a grant under which the mount was made again, and says so', async () => {
    const { grantId, username } = await openedGrant()
    const then = await accessor()
    await remount()
    expect(await aliasesOf(username)).toHaveLength(1)
    const { identity } = await receiptOf(grantId)
    expect(identity).toMatchObject({ gone: true, observed: expect.stringContaining(`${then} then`) })
    expect(await aliasesOf(username)).toEqual([])
  })

  it('does not say that a user is gone when the mount it was made in was moved elsewhere', async () => {
    const { grantId, username, token } = await openedGrant()
    const then = await accessor()
    await vault.api('POST', 'sys/remount', { from: 'auth/apono', to: 'auth/elsewhere' })
    await waitFor(
      'the mount to be elsewhere',
      async () => (await vault.api('GET', `auth/elsewhere/users/${username}`)).status === 200,
    )
    await vault.api('POST', 'sys/auth/apono', { type: 'userpass' })
    const { user, policy } = await receiptOf(grantId)
    expect(user).toMatchObject({ gone: false, observed: expect.stringContaining(`the user was made in ${then}`) })
    expect(user?.mayStay).toContain('vault auth list')
    expect(policy).toMatchObject({ gone: true })
    expect((await vault.api('GET', `auth/elsewhere/users/${username}`)).status).toBe(200)
    expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(403)
    await vault.api('DELETE', 'sys/auth/elsewhere')
  })

  it('of a grant whose entity was merged into a person says that the alias is gone, and the person stays', async () => {
    const { grantId, token, username } = await openedGrant()
    const person = await mergedIntoAPerson(username)
    expect(await receiptOf(grantId)).toMatchObject({ identity: { gone: true }, user: { gone: true }, policy: { gone: true } })
    expect(await aliasesOf(username)).toEqual([])
    expect((await vault.api('GET', `identity/entity/id/${person}`)).status).toBe(200)
    expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(403)
  })

  it('says what was left, and why, where the broker may not remove an alias from a person', async () => {
    const place = 'sys/policies/acl/latchkey-broker'
    const whole: string = (await vault.api('GET', place)).body.data.policy
    const { 'identity/entity-alias/id/*': _, ...path } = JSON.parse(whole).path
    await vault.api('PUT', place, { policy: JSON.stringify({ path }) })
    const { grantId, username } = await openedGrant()
    const person = await mergedIntoAPerson(username)
    const { identity, user } = await receiptOf(grantId)
    expect(identity).toMatchObject({ gone: false, observed: expect.stringContaining(`person ${username}`) })
    expect(identity?.mayStay).toContain('vault delete identity/entity-alias/id/')
    expect(user).toMatchObject({ gone: true })
    expect((await vault.api('GET', `identity/entity/id/${person}`)).status).toBe(200)
    await vault.api('PUT', place, { policy: whole })
    await vault.api('DELETE', `identity/entity/id/${person}`)
  })

  it('says when the audit log does not show the broker’s ids, and so does the health check', async () => {
    const header = 'sys/config/auditing/request-headers/x-correlation-id'
    const check = async () => {
      const { checks } = await broker().must(broker().post(`/api/integrations/${world.integrationId}/health`))
      return checks.find(({ name }: { name: string }) => name === 'audited header')
    }
    expect(await check()).toMatchObject({ status: 'ok' })
    await vault.api('DELETE', header)
    expect(await check()).toMatchObject({ status: 'warning', fix: expect.stringContaining(`vault write ${header} hmac=false`) })
    const { grantId } = await openedGrant()
    const { identity } = await receiptOf(grantId)
    expect(identity).toMatchObject({ requestIdBy: 'broker', correlationAudited: false })
    await vault.api('PUT', header, { hmac: false })
    expect(await check()).toMatchObject({ status: 'ok' })
    const again = await openedGrant()
    expect((await receiptOf(again.grantId))['identity']).toMatchObject({ correlationAudited: true })
  })
})
