import { describe, expect, it } from 'vitest'
import { allowedAddresses, isPublic, receiverUrl } from '../../src/notifications/url-guard.ts'

const STRICT = { development: false }
const FREE = { development: true }

const family = (address: string) => (address.includes(':') ? 6 : 4)
const answering =
  (...addresses: string[]) =>
  async () =>
    addresses.map((address) => ({ address, family: family(address) }))

// Not one of these may ever be connected to, however it is written and whatever answers for it.
const LOCAL_V4 = [
  ['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.100.100.200', '127.0.0.1', '127.255.255.254'],
  [
    '168.63.129.16',
    '169.254.0.1',
    '169.254.169.254',
    '169.254.170.2',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.0.2.1',
  ],
  ['192.88.99.1', '192.168.0.1', '192.168.255.255', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9', '224.0.0.1'],
  ['239.255.255.250', '240.0.0.1', '255.255.255.255'],
].flat()
const LOCAL_V6 = [
  [
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:169.254.169.254',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '::ffff:93.184.215.14',
    '::127.0.0.1',
  ],
  [
    '::a9fe:a9fe',
    '::ffff:0:127.0.0.1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:2::1',
  ],
  ['2001:10::1', '2001:20::1', '2001:db8::1', '2002:7f00:1::', '2002:a9fe:a9fe::1', '3fff::1', '4000::1', '5f00::1', 'fc00::1'],
  ['fd00:ec2::254', 'fdff::1', 'fe80::1', 'febf::1', 'fec0::1', 'ff02::1', 'ff0e::1', '2620:4f:8000::1'],
].flat()
const SPELLINGS = [
  [
    'https://2130706433/',
    'https://0x7f000001/',
    'https://017700000001/',
    'https://0x7f.1/',
    'https://127.1/',
    'https://127.0.1/',
  ],
  [
    'https://0177.0.0.1/',
    'https://0x7f.0x0.0x0.0x1/',
    'https://127.0.0.1./',
    'https://0/',
    'https://0x0/',
    'https://0.0.0.0:8443/',
  ],
  [
    'https://2852039166/',
    'https://0xa9fea9fe/',
    'https://0251.0376.0251.0376/',
    'https://169.254.43518/',
    'https://169.16689662/',
  ],
  [
    'https://①②⑦.⓪.⓪.①/',
    'https://127。0。0。1/',
    'https://127.0.0.1/',
    'https://%31%32%37.0.0.1/',
    'https://127.0.0.1#@x.example/',
  ],
  ['https://127.0.0.1\\@x.example/', 'https:\\\\127.0.0.1/', 'https:127.0.0.1', 'https:///127.0.0.1/', 'https://127.0.0.1\t/'],
  [
    'https://localhost/',
    'https://localhost./',
    'https://LOCALHOST/',
    'https://a.localhost/',
    'https://ⓛocalhost/',
    'https://lo\ncalhost/',
  ],
  [
    'https://user@hooks.example/',
    'https://user:pw@hooks.example/',
    'https://:pw@hooks.example/',
    'https://hooks.example@127.0.0.1/',
  ],
  ['https://hooks.example:22/', 'https://hooks.example:25/', 'https://hooks.example:80/', 'https://hooks.example:389/'],
  ['https://hooks.example:1/', 'https://hooks.example:99999/', 'https://hooks.example:-1/', 'https://hooks.example:x/'],
  [
    'http://hooks.example/',
    'HTTP://hooks.example/',
    'http://127.0.0.1/',
    'ftp://hooks.example/',
    'file:///etc/passwd',
    'gopher://x/',
  ],
  [
    'dict://127.0.0.1:11211/',
    'javascript:alert(1)',
    'data:text/plain,x',
    'ws://hooks.example/',
    'wss://hooks.example/',
    'unix:/run/x',
  ],
  [
    'blob:https://hooks.example/',
    'ldap://hooks.example/',
    'about:blank',
    '//hooks.example/',
    '/hook',
    'hooks.example',
    '',
    ' ',
    'https://',
  ],
  [
    'https://[::1',
    'https://[fe80::1%25eth0]/',
    'https://[::ffff:0x7f.1]/',
    'https://256.0.0.1/',
    'https://1.2.3.4.5/',
    'https://a b/',
  ],
].flat()
const REFUSED_AS_TEXT = [
  ...LOCAL_V4.map((address) => `https://${address}/hook`),
  ...LOCAL_V6.map((address) => `https://[${address}]/hook`),
  ...SPELLINGS,
]

describe('the guard before webhooks', () => {
  it('has enough to refuse', () => {
    expect(new Set(REFUSED_AS_TEXT).size).toBeGreaterThanOrEqual(120)
  })

  it.each(REFUSED_AS_TEXT)('does not take %j', (text) => {
    expect(() => receiverUrl(text, STRICT)).toThrow(expect.objectContaining({ code: 'input.invalid', field: 'url' }))
  })

  it.each([...LOCAL_V4, ...LOCAL_V6])(
    'connects to no name that leads to %s, alone or among public addresses',
    async (address) => {
      const url = receiverUrl('https://hooks.example/', STRICT)
      const refused = expect.objectContaining({ code: 'input.invalid' })
      await expect(allowedAddresses(url, STRICT, answering(address))).rejects.toEqual(refused)
      await expect(allowedAddresses(url, STRICT, answering('93.184.215.14', address))).rejects.toEqual(refused)
      await expect(allowedAddresses(url, STRICT, answering(address, '2606:2800:21f:cb07::1'))).rejects.toEqual(refused)
    },
  )

  it.each(['garbage', '', '127.0.0.1%lo', 'fe80::1%eth0', '1.2.3', '0x7f000001'])('takes %j for no address at all', (address) => {
    expect(isPublic(address)).toBe(false)
  })

  it.each([
    'https://hooks.example/x?y=z',
    'https://hooks.example:8443/',
    'https://93.184.215.14/',
    'https://[2606:2800:21f:cb07::1]/',
  ])('takes %s', (text) => {
    expect(receiverUrl(text, STRICT).href).toBe(text)
  })

  it('lets development use the loopback, and nothing else that is not public', async () => {
    for (const text of ['http://127.0.0.1:4000/', 'http://localhost:4000/', 'http://[::1]:4000/']) receiverUrl(text, FREE)
    expect(() => receiverUrl('http://hooks.example/', FREE)).toThrow('plain http')
    expect(() => receiverUrl('https://10.0.0.1/', FREE)).toThrow('not a public address')
    await expect(allowedAddresses(new URL('https://hooks.example/'), FREE, answering('169.254.169.254'))).rejects.toThrow(
      'not a public',
    )
  })

  it('says so when a name leads nowhere', async () => {
    const url = new URL('https://hooks.example/')
    await expect(allowedAddresses(url, STRICT, answering())).rejects.toMatchObject({ code: 'target.unreachable' })
    const failing = () => Promise.reject(new Error('ENOTFOUND'))
    await expect(allowedAddresses(url, STRICT, failing)).rejects.toMatchObject({ code: 'target.unreachable' })
  })
})
