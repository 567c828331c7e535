import { readFile, writeFile } from 'node:fs/promises'
import { BrokerError } from '../../src/sdk/errors.ts'
import type { ApiAnswer, VaultApi } from './vault-api.ts'

export interface Keys {
  readonly rootToken: string
  readonly unsealKey: string
}

/** Initialises a new server and keeps its keys in `keysFile`; of one that was initialised there before, returns the keys. */
export async function initialise(api: VaultApi, keysFile: string): Promise<Keys> {
  if ((await api('GET', 'sys/init')).body.initialized) return JSON.parse(await readFile(keysFile, 'utf8')) as Keys
  const { body } = expectOk(await api('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }), 'initialise')
  const keys: Keys = { rootToken: body.root_token, unsealKey: body.keys_base64[0] }
  await writeFile(keysFile, JSON.stringify(keys), { mode: 0o600 })
  return keys
}

/** Vault's way to an audit device; OpenBao has its own in the server file. */
export async function enableAudit(api: VaultApi, file: string): Promise<void> {
  if ((await api('GET', 'sys/audit')).body?.data?.['file/']) return
  expectOk(await api('PUT', 'sys/audit/file', { type: 'file', options: { file_path: file } }), 'enable the audit device')
}

/** The answer, if it is a 2xx; `what` completes "the server would not …". */
export function expectOk(answer: ApiAnswer, what: string): ApiAnswer {
  if (answer.status >= 200 && answer.status < 300) return answer
  const errors: string[] = answer.body?.errors ?? []
  throw new BrokerError('target.unexpected', `the server would not ${what}: ${answer.status} ${errors.join('; ')}`)
}
