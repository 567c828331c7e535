import type { Secret } from '../sdk/index.ts'

export const KEY_BYTES = 32

/** Where the key that seals comes from. Only the broker's own file is made when absent: a named one that is missing is a mistake. */
export type KeySource =
  | { readonly kind: 'value'; readonly value: Secret }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'own' }

/** The 32 bytes of a key given as base64; undefined when it is not one. */
export function parseKey(text: string): Buffer | undefined {
  const key = Buffer.from(text, 'base64')
  return key.length === KEY_BYTES && key.toString('base64') === text ? key : undefined
}
