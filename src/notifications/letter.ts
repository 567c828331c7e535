import type { Message } from './words.ts'

export interface Letter {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** A message as e-mail. Names and reasons are other people's words: they stay in their line, and they are never markup. */
export function letterFor(message: Message, publicUrl: string | undefined): Letter {
  const details = message.details.map(([label, value]) => [label, inOneLine(value, 2000)] as const)
  const sentence = inOneLine(message.sentence, 500)
  const { command, path } = message.look
  const link = publicUrl && path ? `${publicUrl}${path}` : undefined
  const look = command ? `See it with: ${command}` : 'An admin can tell you more.'
  const where = link ? `${look}\nIn a browser (opening the link decides nothing):` : look
  const text = [
    sentence,
    '',
    ...details.map(([label, value]) => `${label}: ${value}`),
    '',
    where,
    ...(link ? [link] : []),
    '',
  ].join('\n')
  const html = [
    '<!doctype html><html lang="en"><body style="font-family:sans-serif">',
    `<p>${escaped(sentence)}</p><table>`,
    ...details.map(([label, value]) => `<tr><th align="left" valign="top">${escaped(label)}</th><td>${escaped(value)}</td></tr>`),
    `</table><p>${escaped(where).replaceAll('\n', '<br>')}${link ? `<br><a href="${escaped(link)}">${escaped(link)}</a>` : ''}</p></body></html>`,
  ].join('\n')
  return { subject: inHeader(message.subject, 200), text, html }
}

// Control, format and direction characters, and whatever ends a line somewhere: with them a name could pretend to be another line.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu

/** Somebody's words as part of one line, cut to a length. */
export function inOneLine(words: string, most: number): string {
  const line = words.replace(UNSEEN, ' ').replace(/\s+/g, ' ').trim()
  return line.length > most ? `${line.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…` : line
}

/** The same for a header, where mail programs would decode what looks like an encoded word (RFC 2047). */
export function inHeader(words: string, most: number): string {
  return inOneLine(words.replaceAll('=?', '= ?'), most)
}

export function escaped(words: string): string {
  return words.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
