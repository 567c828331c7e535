import { parseJson, Secret } from '../../../src/sdk/index.ts'
import { digestOf, type Fields } from './kv-version.ts'

/** What the journal keeps encrypted: the new values, and by what to know what stood there and what was to. */
export interface SealedValues {
  readonly values: Readonly<Record<string, string>>
  readonly before: string
  readonly after: string
}

export function seal(values: Readonly<Record<string, string>>, fields: Fields): Secret {
  const sealed: SealedValues = { values, before: digestOf(fields), after: digestOf({ ...fields, ...values }) }
  return new Secret(JSON.stringify(sealed))
}

export function unsealed(secret: Secret | undefined): SealedValues | undefined {
  return secret && (parseJson(secret.reveal()) as SealedValues)
}
