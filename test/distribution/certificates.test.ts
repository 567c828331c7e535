import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { type CertificateWish, makeCertificate, makeChain, pemOf } from '../support/certificates.ts'

const DAY_MS = 86_400_000
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS)
/** What an issuer whose own time is over gave. */
function belowExpired() {
  const root = makeCertificate({ cn: 'root', isCa: true })
  const issuer = makeCertificate({ cn: 'expired issuer', isCa: true, issuer: root, notBefore: inDays(-9), notAfter: inDays(-1) })
  return { certificate: makeCertificate({ cn: 'below.example.com', issuer }).pem, chain: issuer.pem + root.pem }
}
const named = (cn: string, more: Partial<CertificateWish> = {}) => makeChain({ cn, domains: [cn], ...more })

describe('A certificate that is given to be distributed', { timeout: 60_000 }, () => {
  let broker: Broker

  beforeAll(async () => {
    broker = await startBroker()
  }, 120_000)
  afterAll(() => broker?.close())

  const add = (body: object) => broker.admin.post('/api/certificates', { name: 'a certificate', ...body })
  const bodyOf = ({ leaf, chain }: ReturnType<typeof makeChain>) => ({
    certificate: leaf.pem,
    chain,
    privateKey: leaf.keyPem,
  })

  it.each(['ec', 'rsa', 'ed25519'] as const)('may be of the kind %s, and is shown without its key', async (kind) => {
    const made = named(`${kind}.example.com`, { kind, domains: [`${kind}.example.com`, `www.${kind}.example.com`] })
    const answer = await add(bodyOf(made))
    expect(answer.status, answer.text).toBe(201)
    expect(answer.body).toMatchObject({
      commonName: `${kind}.example.com`,
      domains: [`${kind}.example.com`, `www.${kind}.example.com`],
      keyType: expect.stringMatching(kind === 'ec' ? /^ec prime256v1$/ : kind === 'rsa' ? /^rsa 2048$/ : /^ed25519$/),
      chain: [{ subject: expect.stringContaining('issuer of') }, { subject: expect.stringContaining('root of') }],
      hasPrivateKey: true,
      state: 'valid',
    })
    expect(answer.text).not.toContain('PRIVATE KEY')
    const [row] = await broker.database.query('select sealed, certificates::text as text from certificates where id = $1', [
      answer.body.id,
    ])
    expect(row!['sealed']).toMatch(/^lk1\./)
    expect(row!['text']).not.toContain('PRIVATE KEY')
  })

  it('may have its issuers follow it, and come without a key', async () => {
    const { leaf, chain } = named('whole.example.com')
    const answer = await add({ certificate: leaf.pem + chain })
    expect(answer.body, answer.text).toMatchObject({ hasPrivateKey: false, chain: [{}, {}] })
  })

  it('may have no subject, as certificates for hosts alone', async () => {
    const answer = await add({ certificate: makeCertificate({ cn: '', domains: ['no-subject.example.com'] }).pem })
    expect(answer.body, answer.text).toMatchObject({
      subject: '(no name)',
      commonName: null,
      domains: ['no-subject.example.com'],
    })
  })

  it('may have a common name with a comma', async () => {
    const answer = await add({ certificate: makeCertificate({ cn: 'Payments, Inc.' }).pem })
    expect(answer.body, answer.text).toMatchObject({ commonName: 'Payments, Inc.' })
  })

  it('takes a key as SEC1 with its parameters beside it, as openssl writes it', async () => {
    const { leaf, chain } = named('sec1.example.com')
    const sec1 = String(leaf.key.export({ type: 'sec1', format: 'pem' }))
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
    expect((await add({ certificate: leaf.pem, chain, privateKey: parameters + sec1 })).status).toBe(201)
  })

  const good = named('good.example.com')
  const other = named('other.example.com')
  const encrypted = String(good.leaf.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }))
  const withTail = pemOf(Buffer.concat([good.leaf.der, Buffer.from('junk')]))
  const BAD: readonly [string, object, { field: string; says: RegExp; fix?: RegExp }][] = [
    ['text that is no PEM', { certificate: 'MIIB' }, { field: 'certificate', says: /belongs to no block/ }],
    ['nothing at all', { certificate: '\n' }, { field: 'certificate', says: /no PEM block/ }],
    [
      'junk behind its end',
      { certificate: `${good.leaf.pem}and so on` },
      { field: 'certificate', says: /belongs to no block/, fix: /block after block/ },
    ],
    ['junk within its bytes', { certificate: withTail }, { field: 'certificate', says: /more than one certificate/ }],
    ['no end', { certificate: good.leaf.pem.replace(/-----END.*/, '') }, { field: 'certificate', says: /no END line/ }],
    [
      'bytes that are no certificate',
      { certificate: pemOf(Buffer.from('hello')) },
      { field: 'certificate', says: /not a readable X.509 certificate/ },
    ],
    ['its key in it', { certificate: good.leaf.keyPem }, { field: 'certificate', says: /private key/, fix: /privateKey/ }],
    [
      'another key than its own',
      { certificate: good.leaf.pem, privateKey: other.leaf.keyPem },
      { field: 'privateKey', says: /does not belong/ },
    ],
    [
      'an encrypted key',
      { certificate: good.leaf.pem, privateKey: encrypted },
      { field: 'privateKey', says: /encrypted/, fix: /openssl pkey/ },
    ],
    [
      'two keys',
      { certificate: good.leaf.pem, privateKey: good.leaf.keyPem + other.leaf.keyPem },
      { field: 'privateKey', says: /more than one key/ },
    ],
    [
      'a certificate for a key',
      { certificate: good.leaf.pem, privateKey: good.leaf.pem },
      { field: 'privateKey', says: /holds a CERTIFICATE/ },
    ],
    [
      'its chain in the wrong order',
      { certificate: good.leaf.pem, chain: good.root.pem + good.issuer.pem },
      { field: 'chain', says: /did not issue/, fix: /put CN=issuer of good.example.com right after CN=good.example.com/ },
    ],
    [
      'somebody else’s chain',
      { certificate: good.leaf.pem, chain: other.chain },
      { field: 'chain', says: /did not issue/, fix: /give the issuer of CN=good.example.com/ },
    ],
    [
      'an issuer twice',
      { certificate: good.leaf.pem, chain: good.issuer.pem + good.issuer.pem },
      { field: 'chain', says: /twice/ },
    ],
    [
      'its chain in two places',
      { certificate: good.leaf.pem + good.issuer.pem, chain: good.root.pem },
      { field: 'chain', says: /already holds the issuers/ },
    ],
    [
      'an end that is over',
      bodyOf(named('old.example.com', { notBefore: inDays(-9), notAfter: inDays(-1) })),
      { field: 'certificate', says: /expired at/, fix: /renew it/ },
    ],
    [
      'a beginning that is to come',
      bodyOf(named('early.example.com', { notBefore: inDays(2), notAfter: inDays(9) })),
      { field: 'certificate', says: /not valid before/ },
    ],
    [
      'a key that is too short',
      { certificate: makeCertificate({ cn: 'short.example.com', kind: 'rsa-1024' }).pem },
      { field: 'certificate', says: /1024 bits/, fix: /2048/ },
    ],
    ...(['secp256k1', 'brainpoolP256r1'] as const).map((kind): (typeof BAD)[number] => [
      `a key on ${kind}, of which Node itself dies`,
      { certificate: makeCertificate({ cn: 'curve.example.com', kind }).pem },
      { field: 'certificate', says: new RegExp(`curve ${kind}`), fix: /P-256/ },
    ]),
    ['an issuer that has expired', belowExpired(), { field: 'chain', says: /expired at/ }],
    [
      'an issuer on such a curve',
      bodyOf(named('below.example.com', { kind: 'brainpoolP256r1' })),
      { field: 'certificate', says: /curve brainpoolP256r1/ },
    ],
    [
      'a common name that holds what cannot be printed',
      { certificate: makeCertificate({ cn: 'nul\0.example.com' }).pem },
      { field: 'certificate', says: /common name/ },
    ],
  ]
  it.each(BAD)('is refused with %s', async (_, body, { field, says, fix }) => {
    const answer = await add(body)
    expect(answer.body, answer.text).toMatchObject({ status: 400, code: 'input.invalid', field })
    expect(answer.body.message).toMatch(says)
    expect(answer.body.fix).toMatch(fix ?? /./)
    expect(answer.text).not.toContain('PRIVATE KEY-----')
  })

  it('is refused when it is a bundle of a megabyte, and nothing is kept', async () => {
    const answer = await add({ certificate: good.leaf.pem, chain: good.issuer.pem.repeat(2_000) })
    expect(answer.body, answer.text).toMatchObject({ status: 413, code: 'input.too_large' })
    const long = await add({ certificate: good.leaf.pem, chain: other.chain.repeat(90) })
    expect(long.body, long.text).toMatchObject({ status: 400, field: 'chain' })
  })

  it('is refused when its key is of a kind that signs nothing', async () => {
    const { privateKey } = generateKeyPairSync('x25519')
    const answer = await add({
      certificate: good.leaf.pem,
      privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    })
    expect(answer.body).toMatchObject({ field: 'privateKey', message: expect.stringMatching(/does not belong/) })
  })

  it('is kept once, is listed by its end, and loses its key when it is removed', async () => {
    const body = bodyOf(named('once.example.com', { notAfter: inDays(40) }))
    const { id } = await broker.admin.must(add(body))
    expect((await add(body)).body).toMatchObject({ status: 409, code: 'conflict', field: 'certificate' })
    const listed = await broker.admin.must(broker.admin.get('/api/certificates?limit=200'))
    const ends = listed.items.map(({ notAfter }: { notAfter: string }) => notAfter)
    expect(ends).toEqual(ends.toSorted())
    expect((await broker.admin.delete(`/api/certificates/${id}`)).status).toBe(204)
    expect((await broker.admin.get(`/api/certificates/${id}`)).status).toBe(404)
    expect(await broker.database.query('select sealed from certificates where id = $1', [id])).toEqual([{ sealed: null }])
    expect((await add(body)).status).toBe(201)
  })

  it('has admins reminded of its end, once for each time', async () => {
    const { id } = await broker.admin.must(add(bodyOf(named('soon.example.com', { notAfter: inDays(5) }))))
    const told = async () => {
      const trail = await broker.admin.must(broker.admin.get(`/api/audit?subject=${id}`))
      return trail.items.filter(({ kind }: { kind: string }) => kind.startsWith('certificate.exp'))
    }
    expect(await waitFor('the reminder', async () => (await told()).length > 0 && told())).toMatchObject([
      { kind: 'certificate.expiring', data: { days: 7 } },
    ])
    const [next] = await broker.database.query(
      `select extract(epoch from c.not_after - w.run_at) / 86400 as days from due_work w join certificates c on c.id = w.subject
       where w.kind = 'certificate.expiry' and w.subject = $1`,
      [id],
    )
    expect(Math.round(Number(next!['days']))).toBe(3)
    await broker.database.query(
      `update certificates set not_before = now() - interval '9 d', not_after = now() - interval '1 s' where id = $1`,
      [id],
    )
    await broker.database.query(`update due_work set run_at = now() where subject = $1`, [id])
    await waitFor('the end to be told', async () => (await told()).length === 2)
    expect((await told()).map(({ kind }: { kind: string }) => kind).toSorted()).toEqual([
      'certificate.expired',
      'certificate.expiring',
    ])
    expect(
      await broker.database.query(`select 1 from due_work where subject = $1 and run_at < now() + interval '1 d'`, [id]),
    ).toEqual([])
  })
})
