import { describe, expect, it } from 'vitest'
import { parseMailbox, parseSmtpUrl } from '../../src/config/smtp-server.ts'

describe('the mail server in the configuration', () => {
  it.each([
    ['smtp://mail.example', { host: 'mail.example', port: 587, secure: false }],
    ['smtps://mail.example', { host: 'mail.example', port: 465, secure: true }],
    ['smtp://[::1]:2525', { host: '::1', port: 2525, secure: false }],
    ['smtp://a%40b:p%2Fw@mail.example', { host: 'mail.example', port: 587, secure: false, login: { user: 'a@b' } }],
  ])('is read from %s', (url, expected) => {
    expect(parseSmtpUrl(url)).toMatchObject(expected)
  })

  it.each([
    '',
    'mail.example',
    'http://mail.example',
    'smtp://',
    'smtp://h/path',
    'smtp://h?tls=no',
    'smtp://:pw@h',
    'smtp://a%zz:b@h',
  ])('is not read from %j', (url) => {
    expect(parseSmtpUrl(url)).toBeUndefined()
  })

  it.each([
    ['latchkey@example.com', { name: 'Latchkey', address: 'latchkey@example.com' }],
    ['Access, Team <a@example.com>', { name: 'Access, Team', address: 'a@example.com' }],
    ['a@example.com, b@example.com', undefined],
    ['X <a@example.com>\r\nBcc: b@example.com', undefined],
    ['nobody', undefined],
  ])('sends for %j', (text, expected) => {
    expect(parseMailbox(text)).toEqual(expected)
  })
})
