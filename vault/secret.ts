const MASK = '[secret]'

/** Text that must not be seen. Whatever has this method does, so that a program keeps to a type of its own. */
export interface Secret {
  /** The clear text. Call it only in the expression that hands it to its target. */
  reveal(): string
}

/** The secrets of this library: no printing, serialising or inspecting shows them. */
export class Masked implements Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

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

export function isSecret(value: unknown): value is Secret {
  return typeof value === 'object' && value !== null && 'reveal' in value && typeof value.reveal === 'function'
}
