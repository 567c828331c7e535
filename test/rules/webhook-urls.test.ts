import { expect, it } from 'vitest'
import { allowedAddresses, receiverUrl } from '../../src/notifications/url-guard.ts'

const STRICT = { development: false }

it.each([
  ['nothing', 'is not a URL'],
  ['ftp://example.com', 'uses ftp:'],
  ['https://ann@example.com', 'carries credentials'],
  ['https://:secret@example.com', 'carries credentials'],
  ['http://example.com', 'uses plain http'],
  ['https://localhost', 'leads to the broker’s own machine'],
  ['https://a.b.localhost.', 'leads to the broker’s own machine'],
  ['https://example.com:22', 'names port 22'],
  ['https://example.com:1023', 'names port 1023'],
  ['https://10.0.0.1', 'leads to 10.0.0.1, which is not a public address'],
  ['https://[::1]', 'leads to ::1, which is not a public address'],
])('a receiver %s is refused in words: it %s', (url, message) => {
  expect(() => receiverUrl(url, STRICT)).toThrow(expect.objectContaining({ code: 'input.invalid', field: 'url', message }))
})

it.each([
  'https://example.com',
  'https://example.com:1024',
  'https://example.com:443',
  'https://notlocalhost',
  'https://localhost.example.com',
])('a receiver %s is taken', (url) => expect(receiverUrl(url, STRICT).href).toBe(new URL(url).href))

it('a receiver is connected to at its own address, or at those its name resolves to', async () => {
  const never = () => Promise.reject(new Error('asked'))
  expect(await allowedAddresses(new URL('https://93.184.215.14'), STRICT, never)).toEqual([
    { address: '93.184.215.14', family: 4 },
  ])
  await expect(allowedAddresses(new URL('https://example.com'), STRICT, never)).rejects.toThrow(
    'example.com could not be resolved',
  )
  await expect(allowedAddresses(new URL('https://example.com'), STRICT, async () => [])).rejects.toThrow(
    'example.com has no address',
  )
  const inside = async () => [{ address: '10.0.0.1', family: 4 }]
  await expect(allowedAddresses(new URL('https://example.com'), STRICT, inside)).rejects.toThrow(
    'leads to example.com, which resolves to 10.0.0.1, which is not a public address',
  )
})
