import { createHmac, randomBytes } from 'node:crypto'
import { Secret } from '../sdk/index.ts'

const PREFIX = 'whsec_'

/** 256 bits, written as Standard Webhooks writes them (https://www.standardwebhooks.com, "Signature scheme"). */
export function newWebhookSecret(): Secret {
  return new Secret(PREFIX + randomBytes(32).toString('base64'))
}

export interface SignedMessage {
  readonly id: string
  /** seconds since 1970, of this attempt */
  readonly timestamp: number
  readonly body: string
}

/** One signature per secret, parted by spaces: while a secret is being changed its receiver may know either. */
export function signatureOf({ id, timestamp, body }: SignedMessage, secrets: readonly Secret[]): string {
  const signed = `${id}.${timestamp}.${body}`
  return secrets.map((secret) => `v1,${createHmac('sha256', keyOf(secret)).update(signed).digest('base64')}`).join(' ')
}

function keyOf(secret: Secret): Buffer {
  return Buffer.from(secret.reveal().slice(PREFIX.length), 'base64')
}
