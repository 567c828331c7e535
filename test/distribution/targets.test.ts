import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { keyValueReady } from '../../dev/vault/vault-setup.ts'
import { CERTS_POLICY, type DistributionWorld, distributionWorld } from '../support/distribution-world.ts'

const servers = await serversUnderTest()

describe.each(servers)('A target on $product', { timeout: 60_000 }, (binary) => {
  let world: DistributionWorld
  let credentialId: string

  beforeAll(async () => {
    world = await distributionWorld(binary)
    credentialId = await world.credential('the usual login', [world.server.address])
    const { api } = world.server
    await api('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } })
    await api('POST', 'sys/mounts/second', { type: 'kv', options: { version: '2' } })
    await keyValueReady(api, 'second')
  }, 120_000)
  afterAll(() => world?.stop())

  const location = (more: object = {}) => ({ address: world.server.address, path: 'certs/{{ .cn }}', ...more })
  const add = (name: string, where: object = {}, more: object = {}) =>
    world.admin.post('/api/targets', { name, credentialId, location: location(where), ...more })

  it('is saved with the defaults that the form promises, after it was tried, and is no integration', async () => {
    const made = await add('the first')
    expect(made.status, made.text).toBe(201)
    expect(made.body).toMatchObject({
      location: {
        mount: 'secret',
        timeoutSeconds: 30,
        includePrivateKey: true,
        fields: { certificate: 'certificate', privateKey: 'private_key', chain: 'chain', fullchain: 'fullchain' },
      },
      credential: { id: credentialId, name: 'the usual login' },
      health: { healthy: true },
    })
    const checks = made.body.health.checks.map(({ name }: { name: string }) => name)
    expect(checks).toEqual(
      expect.arrayContaining(['server', 'login', 'right secret/data/certs/*', 'right secret/metadata/certs/*']),
    )
    expect((await world.admin.get('/api/integrations')).body.items).toEqual([])
    expect((await world.admin.get(`/api/integrations/${made.body.integrationId}`)).status).toBe(404)
    expect((await world.admin.post(`/api/integrations/${made.body.integrationId}/sync`)).status).toBe(404)
    expect((await world.admin.patch(`/api/integrations/${made.body.integrationId}`, { name: 'x' })).status).toBe(404)
    expect(JSON.stringify(made.body)).not.toContain(world.login.secretId)
  })

  it('logs in by AppRole where its credential names no method, and an integration too', async () => {
    const { method: _, ...login } = world.login
    const id = await world.credential('no method', [world.server.address], login)
    expect((await world.admin.must(world.admin.get(`/api/target-credentials/${id}`))).login).toMatchObject({ method: 'approle' })
    const made = await add('by default', {}, { credentialId: id })
    expect(made.body, made.text).toMatchObject({ health: { healthy: true } })
    const config = { address: world.server.address, auth: login }
    const integration = { plugin: 'vault', name: 'by default', config }
    const saved = await world.admin.post('/api/integrations', { ...integration, skipTest: true })
    expect(saved.body, saved.text).toMatchObject({ config: { auth: { method: 'approle', roleId: login.roleId } } })
    const mixed = { ...integration, name: 'mixed', config: { ...config, auth: { token: 'a token' } } }
    expect((await world.admin.post('/api/integrations', mixed)).body).toMatchObject({ status: 400 })
    const { items } = await world.admin.must(world.admin.get('/api/catalog'))
    const form = items.find(({ id: plugin }: { id: string }) => plugin === 'vault').config.properties.auth
    expect(form.oneOf[0].properties.method).toMatchObject({ const: 'approle', default: 'approle' })
    await world.admin.must(world.admin.delete(`/api/integrations/${saved.body.id}`))
  })

  it('names each right that is missing, and the very line to add', async () => {
    const policy = JSON.parse(CERTS_POLICY)
    policy.path['secret/data/certs/*'] = { capabilities: ['read', 'create'] }
    await world.server.api('PUT', 'sys/policies/acl/latchkey-certs', { policy: JSON.stringify(policy) })
    const refused = await add('with too little')
    await world.server.api('PUT', 'sys/policies/acl/latchkey-certs', { policy: CERTS_POLICY })
    expect(refused.body, refused.text).toMatchObject({ status: 422, code: 'integration.unhealthy' })
    expect(refused.body.message).toContain('the broker’s policy lacks update on secret/data/certs/*')
    expect(refused.body.fix).toContain('path "secret/data/certs/*" { capabilities = ["create", "read", "update"] }')
    const elsewhere = await add('elsewhere', { path: 'other/{{ .cn }}' })
    expect(elsewhere.body.message).toContain('the broker’s policy lacks create, read, update on secret/data/other/*')
    expect((await add('with enough now')).status).toBe(201)
  })

  it('is refused on KV version 1, and where nothing is mounted, with what to do', async () => {
    const old = await add('on the old mount', { mount: 'old' })
    expect(old.body.message, old.text).toMatch(/old is KV v1|there is no mount old/)
    expect(old.body.fix).toMatch(/enable-versioning old|secrets enable -path=old/)
    const none = await add('on no mount', { mount: 'nothing' })
    expect(none.body.message).toMatch(/no mount nothing/)
  })

  it.each([
    ['nothing', '', /empty/],
    ['an absolute path', '/certs/{{ .cn }}', /must not begin with a slash/],
    ['a path upwards', 'certs/../{{ .cn }}', /relative segment/],
    ['a dot alone', 'certs/./{{ .cn }}', /relative segment/],
    ['an empty segment', 'certs//{{ .cn }}', /empty segment/],
    ['a slash at its end', 'certs/', /ends with a slash/],
    ['a wildcard', 'certs/*', /wildcard/],
    ['a segment that is a wildcard', 'certs/+/{{ .cn }}', /wildcard/],
    ['a variable that nobody knows', 'certs/{{ .owner }}', /has the unknown variable/],
    ['an unfinished variable', 'certs/{{ .cn', /brace/],
    ['another language', 'certs/{{ range .domains }}', /has the unknown variable/],
    ['a question mark', 'certs/{{ .cn }}?x', /\? # %/],
    ['a character of control', 'certs/\u0007', /printed|control/],
  ])('is refused with a template of %s', async (_, path, says) => {
    const answer = await add('with a bad template', { path })
    expect(answer.body, answer.text).toMatchObject({ status: 400, field: 'location.path' })
    expect(answer.body.message).toMatch(says)
  })

  it('has no switch that skips the verification of certificates, and four field names that differ', async () => {
    const unverified = await add('unverified', { tlsSkipVerify: true })
    expect(unverified.body).toMatchObject({ status: 400, message: 'location.tlsSkipVerify is not a known field' })
    const fields = { certificate: 'tls', privateKey: 'tls', chain: 'chain', fullchain: 'full' }
    expect((await add('doubled', { fields })).body).toMatchObject({ status: 400, field: 'location.fields' })
  })

  it('is told apart from a server that is not there, and from a namespace that is not', async () => {
    const lonely = await world.credential('a login for nowhere', ['http://127.0.0.1:9'])
    const away = await world.admin.post('/api/targets', {
      name: 'away',
      credentialId: lonely,
      location: { address: 'http://127.0.0.1:9', path: 'certs/{{ .cn }}' },
    })
    expect(away.body, away.text).toMatchObject({ status: 422, message: expect.stringMatching(/server: .*no connection/) })
    const spaced = await world.admin.must(
      world.admin.post('/api/target-credentials', {
        name: 'in a namespace',
        plugin: 'vault',
        login: world.login,
        destinations: [{ address: world.server.address, namespace: 'nowhere' }],
      }),
    )
    const answer = await world.admin.post('/api/targets', {
      name: 'in no namespace',
      credentialId: spaced.id,
      location: location({ namespace: 'nowhere' }),
    })
    expect(answer.body, answer.text).toMatchObject({ status: 422, message: expect.stringMatching(/namespace/) })
  })

  it('says what to do with a wrapped secret ID, which several targets cannot open', async () => {
    const answer = await world.admin.post('/api/target-credentials', {
      name: 'wrapped',
      plugin: 'vault',
      login: { method: 'approle', roleId: world.login.roleId, wrappedSecretId: 'hvs.x' },
      destinations: [{ address: world.server.address }],
    })
    expect(answer.body, answer.text).toMatchObject({ status: 400 })
    expect(answer.text).toContain('login.wrappedSecretId')
    expect(answer.text).toContain('bao unwrap TOKEN')
  })

  it('sends a login to the places it was given for, and to no other', async () => {
    const answer = await world.admin.post('/api/targets', {
      name: 'at a thief',
      credentialId,
      location: { address: 'http://127.0.0.1:9', path: 'certs/{{ .cn }}' },
      skipTest: true,
    })
    expect(answer.body, answer.text).toMatchObject({
      status: 400,
      field: 'credentialId',
      message: expect.stringContaining('may not be sent to'),
    })
    const moved = { destinations: [{ address: world.server.address }, { address: 'http://127.0.0.1:9' }] }
    const change = (body: object) => world.admin.patch(`/api/target-credentials/${credentialId}`, body)
    expect((await change(moved)).body).toMatchObject({
      status: 400,
      field: 'destinations',
      fix: expect.stringContaining('again'),
    })
    expect((await change({ ...moved, login: { ...world.login, secretId: { set: true } } })).status).toBe(400)
    expect((await change({ ...moved, login: world.login })).status).toBe(200)
    expect((await change({ destinations: [{ address: 'http://127.0.0.1:9' }], login: world.login })).body).toMatchObject({
      status: 400,
      message: expect.stringContaining('may not be sent to'),
    })
    // A person who can write the database alone does not get it sent elsewhere either.
    await world.broker.database.query(
      `update target_credentials set destinations = '[{"address":"http://127.0.0.1:9"}]' where id = $1`,
      [credentialId],
    )
    const forged = await world.admin.post('/api/targets', {
      name: 'forged',
      credentialId,
      location: { address: 'http://127.0.0.1:9', path: 'certs/{{ .cn }}' },
      skipTest: true,
    })
    expect(forged.body).toMatchObject({ status: 503, message: expect.stringContaining('not what the broker sealed there') })
    await world.broker.database.query(
      `update target_credentials set destinations = $2, login = login || '{"mount":"elsewhere"}' where id = $1`,
      [credentialId, JSON.stringify([{ address: world.server.address }, { address: 'http://127.0.0.1:9' }])],
    )
    expect((await add('forged login', {}, { skipTest: true })).body).toMatchObject({ status: 503 })
    await world.broker.database.query(`update target_credentials set login = login || '{"mount":"approle"}' where id = $1`, [
      credentialId,
    ])
    const back = { destinations: [{ address: world.server.address }] }
    await world.broker.database.query('update target_credentials set destinations = $2 where id = $1', [
      credentialId,
      JSON.stringify([{ address: world.server.address }, { address: 'http://127.0.0.1:9' }]),
    ])
    expect((await change({ ...back, login: world.login })).status).toBe(200)
  })

  it('says which policy it needs, and nothing more than that', async () => {
    const { id } = await world.admin.must(add('with advice', { path: '{{ .variables.team }}/tls/{{ .cn }}' }, { skipTest: true }))
    const { document } = await world.admin.must(world.admin.get(`/api/targets/${id}/minimum-policy`))
    const paths = Object.keys(JSON.parse(document).path)
    expect(paths).toEqual(expect.arrayContaining(['secret/data/+/tls/*', 'secret/metadata/+/tls/*', 'secret/delete/+/tls/*']))
    expect(JSON.parse(document).path['secret/data/+/tls/*'].capabilities).toEqual(['create', 'read', 'update'])
    expect(paths.filter((path) => /policies|userpass|identity/.test(path))).toEqual([])
  })

  it('holds its name and its login, and gives both back when it is removed', async () => {
    const { id } = await world.admin.must(add('for a while'))
    expect((await add('FOR A WHILE')).body).toMatchObject({ code: 'name.taken', field: 'name' })
    expect((await world.admin.delete(`/api/target-credentials/${credentialId}`)).body).toMatchObject({ status: 409 })
    expect((await world.admin.delete(`/api/targets/${id}`)).status).toBe(204)
    expect((await world.admin.get(`/api/targets/${id}`)).status).toBe(404)
    expect((await add('for a while')).status).toBe(201)
  })

  it('is ordered on no other road than a distribution, which looks at its path and its keys', { timeout: 90_000 }, async () => {
    const target = await world.target('by its road', { path: 'certs/road/{{ .cn }}' })
    const [row] = await world.broker.database.query<{ id: string }>(
      'select integration_id as id from distribution_targets where id = $1',
      [target],
    )
    const config = {
      address: world.server.address,
      auth: world.login,
      capabilities: ['distribution'],
      certificatesAt: { mount: 'secret', pattern: 'certs/*', example: 'certs/x' },
    }
    const dressedUp = await world.admin.must(
      world.admin.post('/api/integrations', { name: 'dressed up', plugin: 'vault', config, skipTest: true }),
    )
    const facts = { cn: 'x', domains: [], fingerprint: 'x', serial: 'x', variables: {}, certificatePem: 'no certificate' }
    const input = { mount: 'secret', path: 'certs/elsewhere', fields: {}, includePrivateKey: false, certificate: facts }
    for (const integrationId of [row!.id, dressedUp.id]) {
      const does = { kind: 'run', integrationId, action: 'distribute-certificate', input }
      const { kind: _, ...order } = does
      const answers = await Promise.all([
        world.admin.post('/api/runs', { ...order, reason: 'x' }),
        world.admin.post(`/api/integrations/${integrationId}/actions/distribute-certificate/preview`, { input }),
        world.admin.post('/api/rotations', { name: 'round', does, schedule: { kind: 'every', seconds: 86_400 } }),
      ])
      for (const { body, text } of answers)
        expect(body, text).toMatchObject({ code: 'target.unsupported', fix: expect.stringContaining('/api/distributions') })
      expect((await world.admin.must(world.admin.get(`/api/integrations/${integrationId}/actions`))).items).toEqual([])
      const other = await world.admin.post('/api/runs', { ...order, action: 'update-policy', reason: 'x' })
      expect(other.body).toMatchObject({ code: 'target.unsupported' })
    }
    expect((await world.server.api('GET', 'secret/data/certs/elsewhere')).body?.data).toBeUndefined()
  })
})
