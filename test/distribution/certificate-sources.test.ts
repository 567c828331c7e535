import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { run } from '../../src/cli/main.ts'
import { startBroker } from '../support/broker.ts'
import { preparedForSources, type SourceWorld, sourcesAround } from '../support/certificate-sources.ts'
import { makeChain } from '../support/certificates.ts'
import { distributionWorld } from '../support/distribution-world.ts'
import { ownToken } from '../support/own-token.ts'

const servers = await serversUnderTest()

describe.each(servers)('Certificates that come from $product', (binary) => {
  let world: SourceWorld

  beforeAll(async () => {
    world = await sourcesAround(await distributionWorld(binary))
  })
  afterAll(() => world?.stop())

  const fingerprintOf = (pem: string) => new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()
  const at = async (path: string) => (await world.server.api('GET', `secret/data/certs/${path}`)).body?.data?.data
  const trail = async (subject: string) =>
    (await world.admin.must(world.admin.get(`/api/audit?subject=${subject}`))).items.map(({ kind }: { kind: string }) => kind)

  describe('where one stands in a KV v2 path', () => {
    const put = (path: string, { leaf, chain }: ReturnType<typeof makeChain>, more: object = {}) => {
      world.canaries.plant(`the key of ${leaf.name}`, leaf.keyPem.split('\n').slice(1, -2).join('').slice(50, 86))
      const data = { certificate: leaf.pem, private_key: leaf.keyPem, chain, ...more }
      return world.server.api('POST', `secret/data/${path}`, { data })
    }
    const stored = (path: string, more: object = {}) => ({
      kind: 'stored',
      integrationId: world.integrationId,
      place: { mount: 'secret', path, ...more },
    })

    it('are pulled, sent to the targets, and pulled again when a newer one is there', async () => {
      const first = makeChain({ cn: 'pulled.example.com', domains: ['pulled.example.com'] })
      await put('source/shop', first)
      const target = await world.target('pulled eu', { path: 'certs/eu/{{ .cn }}' })
      const id = await world.source('pulled', stored('source/shop'), { thenDistribute: { targetIds: [target] } })
      const one = await world.current(id)
      expect(one.fingerprint).toBe(fingerprintOf(first.leaf.pem))
      await waitFor('it to be at the target', async () => (await at('eu/pulled.example.com'))?.certificate === first.leaf.pem)
      expect((await at('eu/pulled.example.com')).private_key).toBe(first.leaf.keyPem)

      await world.renewed(id)
      expect((await world.current(id)).id, 'nothing is new').toBe(one.id)
      const second = makeChain({ cn: 'pulled.example.com', domains: ['pulled.example.com'] })
      await put('source/shop', second)
      await world.renewed(id)
      const two = await waitFor('the newer one', async () => {
        const now = await world.current(id)
        return now.id !== one.id && now
      })
      expect(two.fingerprint).toBe(fingerprintOf(second.leaf.pem))
      await waitFor('it to be at the target', async () => (await at('eu/pulled.example.com'))?.certificate === second.leaf.pem)
      expect((await world.admin.must(world.admin.get(`/api/certificates/${one.id}`))).replacedBy).toBe(two.id)
      expect(await trail(id)).toEqual(
        expect.arrayContaining(['certificate_source.created', 'certificate_source.renewed', 'certificate_source.asked']),
      )
      expect((await world.admin.delete(`/api/certificates/${two.id}`)).body).toMatchObject({ status: 409, code: 'conflict' })
    })

    it.each<[string, () => Promise<unknown>, string, object, { status: number; field?: string; says: RegExp }]>([
      ['no secret is', async () => {}, 'source/none', {}, { status: 400, field: 'from.place.path', says: /there is no secret/ }],
      [
        'the integration does not name',
        async () => {},
        'other/shop',
        {},
        { status: 400, field: 'from.place.path', says: /may read/ },
      ],
      [
        'the field is another',
        () => put('source/bad1', makeChain({ cn: 'bad1.example.com' })),
        'source/bad1',
        { fields: { certificate: 'tls.crt' } },
        { status: 400, field: 'from.place.fields.certificate', says: /no field "tls.crt"/ },
      ],
      [
        'a number is',
        () =>
          put('source/bad1', makeChain({ cn: 'bad1.example.com' }), {
            certificate: 9007199254740993n.toString(),
            private_key: 12,
          }),
        'source/bad1',
        {},
        { status: 400, field: 'from.place.fields', says: /not text/ },
      ],
      [
        'the key of another certificate is',
        () =>
          put('source/bad1', makeChain({ cn: 'bad1.example.com' }), {
            private_key: makeChain({ cn: 'x.example.com' }).leaf.keyPem,
          }),
        'source/bad1',
        {},
        { status: 400, field: 'from.place', says: /does not belong/ },
      ],
    ])('are refused where %s, and nothing is kept', async (_, before, path, more, { status, field, says }) => {
      await before()
      const answer = await world.admin.post('/api/certificate-sources', { name: 'bad', from: stored(path, more) })
      expect(answer.body, answer.text).toMatchObject({ status, ...(field && { field }) })
      expect(answer.body.message).toMatch(says)
      expect(answer.text).not.toContain('PRIVATE KEY-----')
    })

    it('say once what stands in the way of the next one, and keep the one there is', async () => {
      await put('source/failing', makeChain({ cn: 'failing.example.com' }))
      const id = await world.source('failing', stored('source/failing'))
      const { fingerprint } = await world.current(id)
      await world.server.api('POST', 'secret/data/source/failing', { data: { certificate: 'none' } })
      await world.renewed(id)
      const now = await waitFor('the problem', async () => {
        const source = await world.get(id)
        return source.problem !== null && source
      })
      expect(now).toMatchObject({ certificate: { fingerprint }, problem: { code: 'input.invalid' } })
      expect((await trail(id)).filter((kind: string) => kind === 'certificate_source.failed')).toHaveLength(1)
    })
  })

  describe('where a PKI role issues them', () => {
    const issued = (commonName: string, more: object = {}, origin: object = {}) => ({
      kind: 'issued',
      integrationId: world.integrationId,
      wish: { mount: 'pki', role: 'web', commonName, domains: [commonName], ...more },
      ...origin,
    })

    it('are issued for a key that the server never sees, sent on, renewed before their end, and revoked by a rollback', async () => {
      const target = await world.target('issued eu', { path: 'certs/issued/{{ .cn }}' })
      const id = await world.source('issued', issued('issued.example.com'), { thenDistribute: { targetIds: [target] } })
      const one = await world.current(id)
      const there = await waitFor('it to be at the target', () => at('issued/issued.example.com'))
      expect(fingerprintOf(there.certificate)).toBe(one.fingerprint)
      expect(there.private_key).toContain('PRIVATE KEY')
      // An RSA key begins with its public half.
      world.canaries.plant('the issued key', there.private_key.split('\n').slice(1, -2).join('').slice(500, 536))
      const certificate = await world.admin.must(world.admin.get(`/api/certificates/${one.id}`))
      expect(certificate).toMatchObject({
        commonName: 'issued.example.com',
        domains: ['issued.example.com'],
        keyType: 'rsa 2048',
        hasPrivateKey: true,
      })
      const run = await world.admin.must(world.admin.get(`/api/runs/${certificate.runId}`))
      expect(run).toMatchObject({ state: 'executed', action: 'issue-certificate' })
      const { nextAt } = await world.get(id)
      const days = (Date.parse(one.notAfter) - Date.parse(nextAt)) / 86_400_000
      expect(days, 'so long before its end').toBeCloseTo(30, 0)

      await world.broker.database.query('update certificate_sources set next_at = now() where id = $1', [id])
      await world.broker.database.query('update due_work set run_at = now() where subject = $1', [id])
      const two = await waitFor('the next one', async () => {
        const now = await world.current(id)
        return now.id !== one.id && now
      })
      await waitFor(
        'the next one at the target',
        async () => fingerprintOf((await at('issued/issued.example.com')).certificate) === two.fingerprint,
      )

      const second = await world.admin.must(world.admin.get(`/api/certificates/${two.id}`))
      await world.admin.must(world.admin.post(`/api/runs/${second.runId}/rollback`, { reason: 'the key got out' }))
      await waitFor(
        'it to be revoked',
        async () => (await world.admin.must(world.admin.get(`/api/runs/${second.runId}`))).state === 'undone',
      )
      const serial = second.serial.match(/../g).join(':')
      expect(Number((await world.server.api('GET', `pki/cert/${serial}`)).body.data.revocation_time)).toBeGreaterThan(0)
      const refused = await world.admin.post('/api/distributions', { certificateId: two.id, targetIds: [target], reason: 'x' })
      expect(refused.body).toMatchObject({ status: 400, field: 'certificateId', message: expect.stringMatching(/revoked/) })
    })

    it.each<[string, object, { field: string; says: RegExp }]>([
      ['a role that the integration does not name', { role: 'other' }, { field: 'from.wish.role', says: /not a PKI role/ }],
      ['a role that keeps nothing', { role: 'forgetful' }, { field: 'from.wish.role', says: /no_store/ }],
      ['a role whose certificates hang on a token', { role: 'leased' }, { field: 'from.wish.role', says: /generate_lease/ }],
      ['a name that is none', { domains: ['a b'] }, { field: 'from.wish.domains.0', says: /DNS name/ }],
    ])('are refused with %s', async (_, more, { field, says }) => {
      const answer = await world.admin.post('/api/certificate-sources', { name: 'bad', from: issued('bad.example.com', more) })
      expect(answer.body, answer.text).toMatchObject({ field })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(JSON.stringify(answer.body)).toMatch(says)
    })

    it('say what the server has against a name that its role does not allow', async () => {
      const id = await world.source('not allowed', issued('shop.elsewhere.org'))
      const now = await waitFor('the problem', async () => {
        const source = await world.get(id)
        return source.problem !== null && source
      })
      expect(now).toMatchObject({ certificate: null, runId: null, problem: { code: expect.stringMatching(/^target\./) } })
    })
  })

  it('come by a source that a second admin accepted with its targets, and by no other', async () => {
    const { database, key } = world.broker
    const careful = await startBroker({ database, key, config: { fourEyes: true } })
    try {
      const { id: admin } = await world.admin.must(world.admin.post('/api/users', { name: 'second admin', roles: ['admin'] }))
      const second = careful.api((await ownToken(database, admin, ['read', 'manage'])).token)
      const target = await world.target('accepted eu', { path: 'certs/accepted/{{ .cn }}' })
      const wish = { mount: 'pki', role: 'web', commonName: 'accepted.example.com' }
      const body = {
        name: 'accepted',
        from: { kind: 'issued', integrationId: world.integrationId, wish },
        thenDistribute: { targetIds: [target] },
      }
      const held = await careful.admin.must(careful.admin.post('/api/certificate-sources', body))
      expect(held).toMatchObject({
        kind: 'certificate_source.create',
        summary: {
          name: 'accepted',
          thenDistribute: { targets: ['accepted eu'] },
          steps: [expect.stringContaining('accepted.example.com')],
        },
      })
      const sources = () => world.admin.must(world.admin.get('/api/certificate-sources?limit=200'))
      const named = async () => (await sources()).items.find(({ name }: { name: string }) => name === 'accepted')
      expect(await named()).toBeUndefined()
      await second.must(second.post(`/api/proposals/${held.id}/accept`))
      const { id } = await waitFor('the source', named)
      await world.current(id)
      await waitFor('it to be at the target', async () => (await at('accepted/accepted.example.com')) !== undefined)
    } finally {
      await careful.close()
    }
  })

  it('are asked for at the command line', async () => {
    const latchkey = async (...words: string[]) => {
      const lines: string[] = []
      const env = { LATCHKEY_CLI_URL: world.broker.url, LATCHKEY_CLI_TOKEN: world.broker.adminToken }
      const code = await run(words, { env, print: (line) => lines.push(line), tell: (line) => lines.push(line) })
      return { code, said: lines.join('\n') }
    }
    await world.target('cli eu', { path: 'certs/cli/{{ .cn }}' })
    const wish = [
      '--issued',
      'mount=pki',
      '--issued',
      'role=web',
      '--common-name',
      'cli.example.com',
      '--domain',
      'cli.example.com',
      '--renew-days',
      '10',
    ]
    const made = await latchkey('add-certificate-source', 'by cli', '--integration', 'sources', ...wish, '--then-to', 'CLI eu')
    expect(made, made.said).toMatchObject({ code: 0 })
    const { id } = (await world.admin.must(world.admin.get('/api/certificate-sources'))).items[0]
    const { id: first } = await world.current(id)
    expect((await latchkey('certificate-sources')).said).toMatch(/by cli\s+issued/)
    expect(await latchkey('certificate-sources', 'by cli', '--renew')).toMatchObject({
      code: 1,
      said: expect.stringContaining('--reason'),
    })
    expect(await latchkey('certificate-sources', 'by cli', '--renew', '--reason', 'a try')).toMatchObject({ code: 0 })
    await waitFor('the next one', async () => (await world.current(id)).id !== first)
    expect((await latchkey('certificates', 'by cli')).said, 'the current one of that name').toContain('cli.example.com')
    await waitFor('it to rest', async () => (await world.get(id)).runId === null)
    expect(await latchkey('certificate-sources', 'by cli', '--remove')).toMatchObject({ code: 0 })
    expect((await latchkey('certificate-sources', 'by cli')).said).toContain('no certificate source')
    expect(await latchkey('add-certificate-source', 'x', '--integration', 'sources')).toMatchObject({
      code: 1,
      said: expect.stringContaining('--stored'),
    })
  })

  it('leave no key anywhere but sealed', async () => {
    expect(await world.leaks()).toEqual([])
  })

  it('need the rights that the minimum policy has for them, and the doctor names each that is missing', async () => {
    const advice = await world.admin.must(world.admin.get(`/api/integrations/${world.integrationId}/minimum-policy`))
    for (const path of ['secret/data/source/shop', 'pki/sign/web', 'pki/roles/web', 'pki/revoke', 'pki/cert/*'])
      expect(advice.document).toContain(`"${path}"`)
    await preparedForSources(world.server, ['pki/revoke', 'secret/data/source/shop'])
    const health = await world.admin.must(world.admin.post(`/api/integrations/${world.integrationId}/health`, {}))
    const missing = health.checks
      .filter(({ status }: { status: string }) => status === 'failed')
      .map(({ name }: { name: string }) => name)
    expect(missing).toEqual(expect.arrayContaining(['right pki/revoke', 'right secret/data/source/shop']))
    await preparedForSources(world.server)
  })
})
