import { describe, expect, it } from 'vitest'
import { patternOf, renderPath } from '../../../plugins/vault/certificates/path-template.ts'

const FACTS = {
  cn: 'shop.example.com',
  domains: ['shop.example.com', 'www.shop.example.com'],
  fingerprint: 'ab'.repeat(32),
  serial: '0A1B',
  variables: { team: 'web' },
}

describe('A path template', () => {
  it.each([
    ['certs/shop.example.com', 'certs/{{ .cn }}'],
    ['certs/shop.example.com', 'certs/{{.domain}}'],
    ['certs/shop.example.com,www.shop.example.com', 'certs/{{ .domains }}'],
    [`certs/${'ab'.repeat(32)}`, 'certs/{{ .fingerprint }}'],
    ['certs/0A1B/tls', 'certs/{{ .serial }}/tls'],
    ['certs/web-shop.example.com', 'certs/{{ .variables.team }}-{{ .cn }}'],
    ['certs/fixed', 'certs/fixed'],
  ])('gives %s for %s', (path, template) => {
    expect(renderPath(template, FACTS)).toBe(path)
  })

  it.each([
    ['{{ .cn }}', { cn: 'a/b' }, /slash/],
    ['certs/{{ .cn }}', { cn: '*.example.com' }, /wildcard/],
    ['certs/{{ .cn }}', { cn: '..' }, /relative/],
    ['certs/{{ .cn }}', { cn: '' }, /has none/],
    ['certs/{{ .cn }}', { cn: undefined }, /has none/],
    ['certs/{{ .domain }}', { domains: [] }, /has none/],
    ['certs/{{ .variables.__proto__ }}', {}, /has none/],
    ['certs/{{ .variables.toString }}', {}, /has none/],
    ['certs/{{ .cn }}', { cn: '+' }, /wildcard/],
    ['certs/{{ .cn }}', { cn: 'a?version=1' }, /holds one of/],
    ['certs/{{ .cn }}', { cn: ' ' }, /begins or ends with a space/],
    ['certs/{{ .cn }}', { cn: 'x'.repeat(600) }, /longer/],
  ])('makes nothing of %s for %o', (template, more, says) => {
    expect(() => renderPath(template, { ...FACTS, ...more })).toThrow(says)
  })

  it.each([
    ['certs/{{ .cn }}', 'certs/*'],
    ['certs/{{ .cn }}/tls', 'certs/+/tls'],
    ['certs/{{ .variables.team }}-{{ .cn }}', 'certs/+'],
    ['certs/fixed', 'certs/fixed'],
  ])('of %s needs rights on %s and no wider', (template, pattern) => {
    expect(patternOf(template).pattern).toBe(pattern)
  })
})
