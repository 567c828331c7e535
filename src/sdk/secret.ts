import { z } from 'zod'

const MASK = '[secret]'

/** A value that no printing, serialising or inspecting shows. It leaves only through `reveal()`, where it goes to its target. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The clear text. Call it only in the expression that hands it to its target. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return MASK
  }

  toJSON(): string {
    return MASK
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return MASK
  }

  [Symbol.toPrimitive](): string {
    return MASK
  }
}

/**
 * A configuration field whose value arrives as text and is a `Secret` from then on. It is sealed before it is stored and never sent
 * back; forms show it as write-only.
 */
export function secret(options: { title: string; description?: string; maxLength?: number }) {
  return z
    .string()
    .min(1)
    .max(options.maxLength ?? 65_536)
    .transform((value) => new Secret(value))
    .meta({ title: options.title, description: options.description, writeOnly: true })
}
