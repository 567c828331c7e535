import { describe, expect, it } from 'vitest'
import { rotateKvSecret } from '../../../plugins/vault/actions/rotate-kv-secret.ts'
import { DB, given, made } from './rotation-values.ts'

describe('What a rotation takes', () => {
  it.each([
    ['no fields', { ...DB, fields: {} }],
    ['only fields that are kept', { ...DB, fields: { password: { by: 'keep' } } }],
    ['a source that is none', { ...DB, fields: { password: { by: 'magic' } } }],
    ['a value that can be guessed', { ...DB, fields: { password: { by: 'recipe', length: 12, alphabet: 'digits' } } }],
    ['one letter many times', { ...DB, fields: { password: { by: 'recipe', length: 99, alphabet: { characters: 'aa' } } } }],
    ['a field that would be left out', { ...DB, fields: JSON.parse('{"__proto__": {"by": "recipe"}, "a": {"by": "recipe"}}') }],
    ['an empty value', { ...DB, fields: { password: given('') } }],
    ['a doubled slash', { mount: 'kv', path: 'app//db', fields: { password: made } }],
    ['a slash before', { mount: 'kv', path: '/app/db', fields: { password: made } }],
    ['a slash behind', { mount: 'kv', path: 'app/db/', fields: { password: made } }],
    ['a way up', { mount: 'kv', path: '../sys/policies', fields: { password: made } }],
    ['a way up in the mount', { mount: 'kv/..', path: 'db', fields: { password: made } }],
    ['a character that is none', { mount: 'kv', path: 'a\u0000b', fields: { password: made } }],
    ['half a character', { mount: 'kv', path: 'a\ud800', fields: { password: made } }],
    ['something it does not know', { ...DB, fields: { password: made }, force: true }],
  ])('is not %s', (_, input) => {
    expect(rotateKvSecret.input.safeParse(input).success).toBe(false)
  })
})
