import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { KEY_BYTES } from '../../config/key-source.ts'
import { BrokerError, Secret } from '../../sdk/index.ts'

/** Where a sealed text lives, and where it may be sent. Anywhere else it does not open. */
export interface Place {
  readonly table: string
  readonly row: string
  readonly column: string
  /** digest of what decides where the value is sent; none for what is sent nowhere */
  readonly destination?: string
}

/** The second form is bound to a destination as well. */
const FORMS = { free: 'lk1', bound: 'lk2' } as const

const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * Seals what the database must not know: `<form>.<id of the key>.<wrapped data key>.<value>`. Each record has a data key of its own, wrapped by
 * the key; both layers are AES-256-GCM and bound to the place.
 */
export class Sealer {
  readonly #key: Buffer
  readonly #keys: ReadonlyMap<string, Buffer>
  /** of the key that seals; ids tell keys apart and say nothing about them */
  readonly keyId: string

  /** @param others open what they sealed, and seal nothing any more */
  constructor(key: Buffer, others: readonly Buffer[] = []) {
    if ([key, ...others].some(({ length }) => length !== KEY_BYTES)) throw new TypeError(`a key has ${KEY_BYTES} bytes`)
    this.#key = key
    this.#keys = new Map([key, ...others].map((one) => [idOf(one), one]))
    this.keyId = idOf(key)
  }

  /** Of every key that opens, the one that seals first. */
  get keyIds(): string[] {
    return [...this.#keys.keys()]
  }

  seal(plain: string | Secret, place: Place): string {
    const dataKey = randomBytes(KEY_BYTES)
    const wrapped = encrypt(this.#key, dataKey, bind('key', place))
    const value = Buffer.from(plain instanceof Secret ? plain.reveal() : plain, 'utf8')
    return [formOf(place), this.keyId, wrapped, encrypt(dataKey, value, bind('value', place))].join('.')
  }

  open(sealed: string, place: Place): Secret {
    const [form, keyId, wrapped, value, ...more] = sealed.split('.')
    if (form !== formOf(place) || wrapped === undefined || value === undefined || more.length > 0) throw altered(place)
    const key = this.#keys.get(keyId ?? '')
    if (!key) throw wrongKey(place, keyId, this.keyId)
    const dataKey = decrypt(key, wrapped, bind('key', place), place)
    return new Secret(decrypt(dataKey, value, bind('value', place), place).toString('utf8'))
  }

  /** 32 bytes for one purpose, the same on every replica: of the present key first, and of each other one. */
  derive(purpose: string): Buffer[] {
    return [...this.#keys.values()].map((key) => Buffer.from(hkdfSync('sha256', key, '', `latchkey ${purpose}`, KEY_BYTES)))
  }

  /** The same value under this key. What is under it already stays as it is, so a rotation that was cut short can be run again. */
  rewrap(sealed: string, place: Place): string {
    if (sealed.startsWith(`${formOf(place)}.${this.keyId}.`)) return sealed
    return this.seal(this.open(sealed, place), place)
  }
}

/** Whether a text was sealed for one destination alone. */
export function isBound(sealed: string): boolean {
  return sealed.startsWith(`${FORMS.bound}.`)
}

function idOf(key: Buffer): string {
  return createHmac('sha256', key).update('latchkey key id').digest().subarray(0, 6).toString('base64url')
}

// JSON, because joining the parts would make ("ab", "c") and ("a", "bc") the same place.
function bind(layer: 'key' | 'value', place: Place): Buffer {
  const { table, row, column, destination } = place
  const parts = [formOf(place), layer, table, row, column]
  return Buffer.from(JSON.stringify(destination === undefined ? parts : [...parts, destination]))
}

function formOf({ destination }: Place): string {
  return destination === undefined ? FORMS.free : FORMS.bound
}

function encrypt(key: Buffer, plain: Buffer, associated: Buffer): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES }).setAAD(associated)
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

function decrypt(key: Buffer, text: string, associated: Buffer, place: Place): Buffer {
  const bytes = Buffer.from(text, 'base64url')
  // Buffer skips what is not base64; only the one spelling we wrote is accepted.
  if (bytes.length < IV_BYTES + TAG_BYTES || bytes.toString('base64url') !== text) throw altered(place)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(associated).setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
  } catch (cause) {
    throw altered(place, cause)
  }
}

function wrongKey({ table, row, column }: Place, theirs: string | undefined, ours: string): BrokerError {
  return new BrokerError(
    'unavailable',
    `${table}.${column} of ${row} was sealed with key ${theirs}; the broker runs with key ${ours}`,
    {
      fix: 'start the broker with the key it was sealed with (LATCHKEY_KEY or LATCHKEY_KEY_FILE), or enter the value again',
    },
  )
}

function altered({ table, row, column, destination }: Place, cause?: unknown): BrokerError {
  const how =
    destination === undefined
      ? 'moved or altered'
      : 'moved or altered, or the place it is sent to was changed directly in the database'
  return new BrokerError('unavailable', `${table}.${column} of ${row} is not what the broker sealed there: it was ${how}`, {
    cause,
    fix: 'restore the row from a backup, or enter the value again',
  })
}
