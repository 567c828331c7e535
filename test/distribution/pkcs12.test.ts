import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/main.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { Canaries } from '../support/canaries.ts'
import { everything, secretPart } from '../support/distribution-world.ts'
import { KEY_PEM, KEYTOOL_PASSWORD, LEAF_PEM, PASSWORD, PKCS12, withRounds } from '../support/pkcs12-files.ts'

describe('A PKCS#12 file that is given to be distributed', () => {
  let broker: Broker

  beforeAll(async () => {
    broker = await startBroker()
  })
  afterAll(() => broker?.close())

  const add = (file: string, password: string, more: object = {}) =>
    broker.admin.post('/api/certificates', { name: 'from a file', pkcs12: { file, password }, ...more })
  const removed = async (id: string) => expect((await broker.admin.delete(`/api/certificates/${id}`)).status).toBe(204)

  it.each<[string, keyof typeof PKCS12, string]>([
    ['openssl 3 wrote it (PBES2, AES)', 'openssl3', PASSWORD],
    ['an older openssl wrote it (RC2 of 40 bits, Triple-DES)', 'legacy', PASSWORD],
    ['Triple-DES alone is in it', 'descert', PASSWORD],
    ['keytool wrote it', 'keytool', KEYTOOL_PASSWORD],
    ['an older keytool wrote it', 'keytoolOld', KEYTOOL_PASSWORD],
    ['it is sealed by SHA-512', 'sha512', PASSWORD],
    ['it is not sealed as a whole', 'noMac', PASSWORD],
    ['it holds its key in clear', 'plainKey', PASSWORD],
    ['it has an empty password', 'empty', ''],
  ])('is read with its issuers in their order when %s', async (_, which, password) => {
    const answer = await add(PKCS12[which], password)
    expect(answer.status, answer.text).toBe(201)
    expect(answer.body).toMatchObject({
      commonName: 'p12.example.com',
      domains: ['p12.example.com', 'www.p12.example.com'],
      serial: 'c0ffee',
      chain: [{ subject: 'CN=issuer' }, { subject: 'CN=root' }],
      hasPrivateKey: true,
    })
    const [kept] = await broker.database.query<{ pem: string }>('select certificate_pem as pem from certificates where id = $1', [
      answer.body.id,
    ])
    expect(kept!.pem).toBe(LEAF_PEM)
    await removed(answer.body.id)
  })

  const damaged = (which: keyof typeof PKCS12, at: number) => {
    const bytes = Buffer.from(PKCS12[which], 'base64')
    bytes[bytes.length - at] = bytes.at(-at)! ^ 1
    return bytes.toString('base64')
  }
  const cut = Buffer.from(PKCS12.openssl3, 'base64').subarray(0, 900).toString('base64')

  it.each<[string, string, string, { field: string; says: RegExp; fix: RegExp }]>([
    ['another password', PKCS12.openssl3, 'another', { field: 'pkcs12.password', says: /does not open/, fix: /exported with/ }],
    [
      'another password for an old file',
      PKCS12.legacy,
      'another',
      { field: 'pkcs12.password', says: /does not open/, fix: /exported/ },
    ],
    [
      'another password where no seal tells',
      PKCS12.noMac,
      'another',
      { field: 'pkcs12.password', says: /does not open/, fix: /./ },
    ],
    ['an empty password that is another', PKCS12.openssl3, '', { field: 'pkcs12.password', says: /does not open/, fix: /./ }],
    [
      'a bit that was changed',
      damaged('openssl3', 400),
      PASSWORD,
      { field: 'pkcs12.password', says: /does not open/, fix: /damaged/ },
    ],
    ['its end cut off', cut, PASSWORD, { field: 'pkcs12.file', says: /not a readable PKCS#12 file/, fix: /whole/ }],
    ['no key', PKCS12.noKey, PASSWORD, { field: 'pkcs12.file', says: /no private key/, fix: /PEM/ }],
    ['two keys', PKCS12.twoKeys, KEYTOOL_PASSWORD, { field: 'pkcs12.file', says: /2 private keys/, fix: /the one/ }],
    [
      'a certificate of somebody else in it',
      PKCS12.stranger,
      PASSWORD,
      { field: 'pkcs12.file', says: /two.example.com/, fix: /issuers/ },
    ],
    ['rounds without end', PKCS12.slow, PASSWORD, { field: 'pkcs12.file', says: /rounds/, fix: /export/ }],
    ['rounds that are too many together', PKCS12.slowTogether, PASSWORD, { field: 'pkcs12.file', says: /rounds/, fix: /export/ }],
    [
      'as many rounds as a number of 31 bits holds, which its seal does not know of',
      withRounds(PKCS12.openssl3, '7fffffff'),
      PASSWORD,
      { field: 'pkcs12.file', says: /rounds/, fix: /export/ },
    ],
    [
      'more rounds than a number of 31 bits holds',
      withRounds(PKCS12.openssl3, '0080000000'),
      PASSWORD,
      { field: 'pkcs12.file', says: /rounds/, fix: /export/ },
    ],
    [
      'a JKS keystore',
      PKCS12.jks,
      KEYTOOL_PASSWORD,
      { field: 'pkcs12.file', says: /not a readable PKCS#12 file/, fix: /keytool/ },
    ],
    ['PEM', LEAF_PEM, '', { field: 'pkcs12.file', says: /not base64/, fix: /base64/ }],
    [
      'other bytes',
      Buffer.from('hello').toString('base64'),
      '',
      { field: 'pkcs12.file', says: /not a readable PKCS#12 file/, fix: /./ },
    ],
    [
      'brackets without end',
      Buffer.alloc(9_000, 0x30).toString('base64'),
      '',
      { field: 'pkcs12.file', says: /not a readable PKCS#12 file/, fix: /./ },
    ],
  ])('is refused with %s', async (_, file, password, { field, says, fix }) => {
    const answer = await add(file, password)
    expect(answer.body, answer.text).toMatchObject({ status: 400, code: 'input.invalid', field })
    expect(answer.body.message).toMatch(says)
    expect(answer.body.fix).toMatch(fix)
  })

  it('is refused beside PEM, and without either', async () => {
    const both = await add(PKCS12.openssl3, PASSWORD, { certificate: LEAF_PEM })
    expect(both.body).toMatchObject({ status: 400, field: 'certificate', message: expect.stringMatching(/once/) })
    expect((await add(PKCS12.openssl3, PASSWORD, { privateKey: KEY_PEM })).body).toMatchObject({ status: 400, field: 'pkcs12' })
    expect((await broker.admin.post('/api/certificates', { name: 'nothing' })).body).toMatchObject({
      status: 400,
      field: 'certificate',
    })
  })

  it('is refused when it is a megabyte', async () => {
    const answer = await add(Buffer.alloc(1_000_000, PKCS12.openssl3, 'base64').toString('base64'), PASSWORD)
    expect(answer.body, answer.text).toMatchObject({ status: 413, code: 'input.too_large' })
    expect((await add('A'.repeat(220_000), PASSWORD)).body).toMatchObject({ status: 400, field: 'pkcs12.file' })
  })

  it('comes from the command line with its password from a file, and leaves neither password nor key anywhere', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'lk-p12-'))
    try {
      const [file, password] = [path.join(folder, 'shop.p12'), path.join(folder, 'password')]
      await writeFile(file, PKCS12.openssl3, 'base64')
      await writeFile(password, `${PASSWORD}\n`)
      const latchkey = async (...words: string[]) => {
        const lines: string[] = []
        const env = { LATCHKEY_CLI_URL: broker.url, LATCHKEY_CLI_TOKEN: broker.adminToken }
        const code = await run(words, { env, print: (line) => lines.push(line), tell: (line) => lines.push(line) })
        return { code, said: lines.join('\n') }
      }
      const without = await latchkey('add-certificate', 'shop', '--pkcs12', file)
      expect(without).toMatchObject({ code: 1, said: expect.stringContaining('--password-file') })
      const added = await latchkey('add-certificate', 'shop', '--pkcs12', file, '--password-file', password)
      expect(added, added.said).toMatchObject({ code: 0, said: expect.stringContaining('p12.example.com') })
      await add(PKCS12.legacy, 'wrong password of somebody')
      const canaries = new Canaries()
      canaries.plant('the password', PASSWORD)
      canaries.plant('a wrong password', 'wrong password of somebody')
      canaries.plant('the key', secretPart(KEY_PEM))
      const places = new Map([...(await everything(broker)), ['the log', broker.log.join('')]])
      expect(canaries.leaksIn(places)).toEqual([])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
