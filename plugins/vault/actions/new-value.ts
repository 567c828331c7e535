import { randomInt } from 'node:crypto'
import { z } from 'zod'
import { secret } from '../../../src/sdk/index.ts'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const DIGITS = '0123456789'
const ALPHABETS = {
  'letters-digits': LETTERS + DIGITS,
  'letters-digits-symbols': `${LETTERS}${DIGITS}!#%&()*+,-./:;<=>?@[]^_{|}~`,
  hex: '0123456789abcdef',
  digits: DIGITS,
} as const
const LEAST_BITS = 64

const characters = z
  .string()
  .max(256)
  .refine((text) => text.isWellFormed(), 'must be valid Unicode')
  .refine((text) => new Set(text).size === Array.from(text).length, 'must have each character only once')
  .refine((text) => Array.from(text).length >= 2, 'must have at least 2 characters')
const alphabet = z.union([
  z.enum(Object.keys(ALPHABETS) as (keyof typeof ALPHABETS)[]),
  z.strictObject({ characters: characters.meta({ title: 'Characters' }) }),
])

const recipe = z
  .strictObject({
    by: z.literal('recipe').meta({ title: 'Made by a recipe' }),
    length: z
      .number()
      .int()
      .min(1)
      .max(4096)
      .default(32)
      .meta({ title: 'Length', description: 'characters, the prefix not counted' }),
    alphabet: alphabet.default('letters-digits').meta({ title: 'Alphabet' }),
    prefix: z
      .string()
      .max(256)
      .refine((text) => text.isWellFormed(), 'must be valid Unicode')
      .default('')
      .meta({ title: 'Prefix' }),
  })
  .superRefine((made, context) => {
    if (made.length * Math.log2(lettersOf(made.alphabet).length) >= LEAST_BITS) return
    const message = `is too short for its alphabet, so the value could be guessed (it needs ${LEAST_BITS} bits)`
    context.addIssue({ code: 'custom', path: ['length'], message })
  })

/** Where the new value of one field comes from. */
export const newValue = z.discriminatedUnion('by', [
  recipe,
  z.strictObject({
    by: z.literal('value').meta({ title: 'Given here' }),
    value: secret({ title: 'Value', maxLength: 2_000_000 }),
  }),
  z.strictObject({ by: z.literal('keep').meta({ title: 'Kept as it is' }) }),
])

/** A value as the recipe says, from the system's random numbers. */
export function madeBy({ length, alphabet, prefix }: z.infer<typeof recipe>): string {
  const letters = lettersOf(alphabet)
  return prefix + Array.from({ length }, () => letters[randomInt(letters.length)]).join('')
}

function lettersOf(alphabet: z.infer<typeof recipe>['alphabet']): readonly string[] {
  return Array.from(typeof alphabet === 'string' ? ALPHABETS[alphabet] : alphabet.characters)
}
