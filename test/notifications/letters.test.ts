import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SUBJECTS } from '../../src/audit/kinds/kind.ts'
import { KINDS } from '../../src/audit/kinds.ts'
import type { Config } from '../../src/config/config.ts'
import type { ChainEvent } from '../../src/notifications/chain-event.ts'
import type { Facts } from '../../src/notifications/facts.ts'
import { letterFor } from '../../src/notifications/letter.ts'
import { Mailer } from '../../src/notifications/mailer.ts'
import { messageFor } from '../../src/notifications/words.ts'
import { ENDPOINTS } from '../support/matrix-endpoints.ts'
import { decodedHeader, type PostOffice, startPostOffice } from '../support/smtp.ts'

let office: PostOffice
beforeAll(async () => {
  office = await startPostOffice()
})
afterAll(() => office?.close())

const FROM = { name: 'Latchkey', address: 'latchkey@broker.example' }

const HOSTILE: [string, string][] = [
  ['a line of its own', 'mallory\r\nBcc: everybody@people.example\r\n\r\nhello'],
  ['a lone line feed', 'mallory\nSubject: you won'],
  ['a lone carriage return', 'mallory\rBcc: x@people.example'],
  ['what some take for a line end', 'mallory\u2028Bcc: x@people.example\u0085Bcc: y@people.example\u000bBcc: z@people.example'],
  ['markup', '<img src=x onerror=alert(1)>"\'><a href="https://evil.example">'],
  ['letters that run backwards, and ones that cannot be seen', 'mallory\u202e gro.elpmaxe\u202c\u200b\u0000'],
  ['an address', '"<x@evil.example>, mallory'],
  ['an encoded word', '=?utf-8?q?=0D=0ABcc:_x@people.example?='],
  ['half a character', 'mallory \ud83d'],
  ['no end', 'mallory '.repeat(5_000)],
]

describe('a letter', () => {
  it.each(HOSTILE)('takes %s in a name, a resource or a reason for words and nothing else', async (_, words) => {
    office.letters.length = 0
    const config = {
      smtp: { host: '127.0.0.1', port: office.port, secure: false, from: FROM },
    }
    const letter = letterFor(
      messageFor(event(words), 'decide', facts(words), new Map([['usr_a', words]])),
      'https://latchkey.example',
    )
    await new Mailer(config as Config).post({
      id: 'ntf_1',
      thread: 'req_1',
      to: { name: words, address: 'bob@people.example' },
      letter,
    })
    const [arrived] = office.letters
    expect(arrived?.to).toEqual(['bob@people.example'])
    expect([...arrived!.headers.keys()].filter((name) => /^(b?cc|reply-to|sender)$/.test(name))).toEqual([])
    expect(arrived!.raw.split('\r\n\r\n')[0]!.match(/^subject:/gim)).toHaveLength(1)
    const subject = decodedHeader(arrived!.headers.get('subject') ?? '')
    expect(subject).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202e\u200b]/u)
    expect(decodedHeader(arrived!.headers.get('to') ?? '')).not.toMatch(/[\p{Cc}\u202e]/u)
    expect(subject.length).toBeLessThanOrEqual(200)
    expect(arrived!.plain.split('\n').filter((line) => /^(Bcc|Subject|hello)/.test(line))).toEqual([])
    expect(arrived!.html).not.toMatch(/<(img|script)|href="https:\/\/evil/)
    expect(arrived!.raw.length).toBeLessThan(100_000)
  })

  it('names a command that there is, or sends its reader to an admin, whatever it is about, for every reader', () => {
    const calls = Object.keys(ENDPOINTS).map((endpoint) => endpoint.replace(/:\w+/g, '[a-z]{3}_1'))
    const known = new RegExp(`^latchkey (requests|requests --to-approve|runs run_1|rotations rot_1|api (${calls.join('|')}))$`)
    const told = Object.entries(KINDS).flatMap(([kind, { subject, tells }]) =>
      SUBJECTS[subject].flatMap((prefix) => tells.map((part) => ({ kind, subject: `${prefix}_1`, part }))),
    )
    expect(told.length).toBeGreaterThan(60)
    for (const { kind, subject, part } of told) {
      const about = /^(req|grt)_/.test(subject) ? facts('words') : undefined
      const happened = { ...event(''), kind, subject, data: {} }
      const { text } = letterFor(messageFor(happened, part, about, new Map()), undefined)
      const [, command] = /^See it with: (.*)$/m.exec(text) ?? []
      if (part === 'notice' && !about) expect(text).toContain('An admin can tell you more.')
      else expect(command, `${kind} to ${part}`).toMatch(known)
    }
  })

  it('is not sent to what is no address', async () => {
    const config = {
      smtp: { host: '127.0.0.1', port: office.port, secure: false, from: FROM },
    }
    const letter = { subject: 's', text: 't', html: 'h' }
    for (const address of [
      'a@b.example, c@d.example',
      'a@b.example\r\nRCPT TO:<c@d.example>',
      '<a@b.example>',
      'a b@c.example',
      '',
    ]) {
      const posted = new Mailer(config as Config).post({ id: 'ntf_1', thread: 'req_1', to: { name: 'x', address }, letter })
      await expect(posted, address).rejects.toMatchObject({ code: 'input.invalid' })
    }
  })
})

function event(words: string): ChainEvent {
  const data = { reason: words }
  return { id: 'aud_1', at: new Date(0), kind: 'request.submitted', actor: 'usr_a', subject: 'req_1', data }
}

function facts(words: string): Facts & { asked: string } {
  return {
    requestId: 'req_1',
    kind: 'access',
    asked: `access to ${words}`,
    grantId: null,
    requester: { id: 'usr_m', name: words },
    flow: words,
    integration: words,
    seconds: 60,
    justification: words,
    resources: [{ name: words, permissions: ['read'] }],
    expiresAt: null,
    action: null,
    notify: { users: [], groups: [] },
  }
}
