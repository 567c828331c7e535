import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { BrokerError } from '../../../src/sdk/index.ts'

/** What a caller says itself; it beats the environment. */
export interface Given {
  readonly address?: string
  readonly namespace?: string
  readonly caFile?: string
  readonly token?: string
  readonly roleId?: string
  readonly secretId?: string
}

const OFFICIAL = {
  address: 'VAULT_ADDR',
  namespace: 'VAULT_NAMESPACE',
  caFile: 'VAULT_CACERT',
  token: 'VAULT_TOKEN',
  roleId: 'VAULT_ROLE_ID',
  secretId: 'VAULT_SECRET_ID',
} as const satisfies Record<keyof Given, string>

const configFile = z.object({ vault_addr: z.string() })

/**
 * Input for `vaultConfig`, from what was given, then the environment's usual names, then (for the address) a JSON file with
 * `vault_addr`. Throws `input.invalid` naming the source of each contradiction; a missing address is said first.
 */
export async function connectionFrom(given: Given, env: NodeJS.ProcessEnv = process.env, file?: string) {
  const set = (field: keyof Given) => given[field] || env[OFFICIAL[field]] || undefined
  const address = set('address') ?? (file && (await addressIn(file)))
  if (!address) throw invalid('address', 'there is no Vault address', 'give one, or set VAULT_ADDR')
  return { address, namespace: set('namespace'), caFile: set('caFile'), auth: loginFrom(given, env) }
}

function loginFrom(given: Given, env: NodeJS.ProcessEnv) {
  const explicit = given.token || given.roleId || given.secretId
  // Whoever names one way to log in has not asked for the environment's other one.
  const ofToken = given.token || (explicit ? undefined : env[OFFICIAL.token])
  const ofRole = explicit && !given.roleId && !given.secretId ? {} : env
  const roleId = given.roleId || ofRole[OFFICIAL.roleId]
  const secretId = given.secretId || ofRole[OFFICIAL.secretId]
  const from = (field: 'token' | 'roleId' | 'secretId') => (given[field] ? 'given' : OFFICIAL[field])
  if (ofToken && (roleId || secretId)) {
    const other = roleId ? `a role ID (${from('roleId')})` : `a secret ID (${from('secretId')})`
    throw invalid('auth', `there is a token (${from('token')}) and ${other}`, 'give one of the two')
  }
  if (ofToken) return { method: 'token' as const, token: ofToken }
  if (roleId && secretId) return { method: 'approle' as const, roleId, secretId }
  if (roleId) throw invalid('auth', `a role ID (${from('roleId')}) needs a secret ID`, 'set VAULT_SECRET_ID')
  if (secretId) throw invalid('auth', `a secret ID (${from('secretId')}) needs a role ID`, 'set VAULT_ROLE_ID')
  throw invalid('auth', 'there is nothing to log in with', 'set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID')
}

async function addressIn(file: string): Promise<string | undefined> {
  const { mode } = await stat(file).catch((cause: unknown) => {
    throw invalid('address', `${file} cannot be read`, 'name a file that exists', cause)
  })
  // Whoever may write it decides where our credentials go.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw invalid('address', `${file} is open to others`, `chmod 600 ${file}`)
  try {
    return configFile.parse(JSON.parse(await readFile(file, 'utf8'))).vault_addr
  } catch (cause) {
    throw invalid('address', `${file} is not JSON with a text vault_addr`, 'correct the file', cause)
  }
}

function invalid(field: string, message: string, fix: string, cause?: unknown): BrokerError {
  return new BrokerError('input.invalid', message, { field, fix, cause })
}
