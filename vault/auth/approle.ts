import { createHash } from 'node:crypto'
import { isVaultError, VaultError } from '../errors.ts'
import { Masked, type Secret } from '../secret.ts'
import { type LoginMethod, loginAt, type Send } from './login.ts'

const KEPT = 'secret-id'

export interface AppRole {
  readonly mount: string
  readonly roleId: string
  readonly secretId?: Secret
  /** a wrapping token of the secret_id instead; it is opened once */
  readonly wrappedSecretId?: Secret
}

/** Where an unwrapped secret_id outlives the process. */
export interface Keeper {
  keep(name: string, value: Secret): Promise<void>
  recall(name: string): Promise<Secret | undefined>
  /** told when a wrapped secret_id cannot be trusted: somebody else may have opened it */
  alarm?(message: string): void
}

/** AppRole, with a secret_id given as it is or wrapped: then it is unwrapped once and kept by the keeper. */
export function approleLogin(auth: AppRole, keeper: Keeper = inMemory()): LoginMethod {
  let unwrapped: Secret | undefined
  return {
    name: 'approle',
    mints: true,
    async login(send, signal) {
      const secretId = auth.secretId ?? (await fromWrapped(auth.wrappedSecretId, send, signal))
      return loginAt(auth.mount, { role_id: auth.roleId, secret_id: secretId }, send, signal, {
        refused: `check the role ID and the addresses that the role is bound to; in place of a secret ID that has expired or is used up, make another: ${madeBy(auth)}`,
      })
    },
  }

  async function fromWrapped(wrapping: Secret | undefined, send: Send, signal: AbortSignal): Promise<Secret> {
    if (!wrapping) throw new TypeError('AppRole needs a secret ID or a wrapped one')
    // The kept value names the wrapping token it came from, so that a newly configured one is not passed over.
    const from = createHash('sha256').update(wrapping.reveal()).digest('hex')
    const kept = (await keeper.recall(KEPT))?.reveal()
    if (kept?.startsWith(`${from}:`)) return new Masked(kept.slice(from.length + 1))
    unwrapped ??= await unwrap(wrapping, send, signal)
    await keeper.keep(KEPT, new Masked(`${from}:${unwrapped.reveal()}`))
    return unwrapped
  }

  async function unwrap(wrapping: Secret, send: Send, signal: AbortSignal): Promise<Secret> {
    try {
      const lookup = await send({
        method: 'POST',
        path: ['sys/wrapping/lookup'],
        body: { token: wrapping },
        token: 'none',
        signal,
      })
      const made = typeof lookup.data['creation_path'] === 'string' ? lookup.data['creation_path'] : 'an unknown path'
      const expected = made.includes(`auth/${auth.mount}/role/`) && /\/(custom-)?secret-id$/.test(made)
      if (!expected) throw alarm(`it was made at ${made}, not by auth/${auth.mount}`)
      const answer = await send({ method: 'POST', path: ['sys/wrapping/unwrap'], token: wrapping, signal })
      const secretId = answer.data['secret_id']
      if (typeof secretId !== 'string') throw alarm('it holds no secret_id')
      return new Masked(secretId)
    } catch (error) {
      if (!isVaultError(error, 'not_found', 'invalid', 'denied')) throw error
      throw alarm('it was already opened, has expired, was made by another server, or never existed', error)
    }
  }

  function alarm(why: string, cause?: VaultError): VaultError {
    keeper.alarm?.(`alarm: the wrapped secret_id cannot be trusted: ${why}`)
    return new VaultError('login_failed', `the wrapped secret_id cannot be trusted: ${why}`, {
      cause,
      requestId: cause?.requestId,
      fix: `make a new one and save it here: ${madeBy(auth)}; if you do not know who opened the former one, treat its secret_id as stolen: destroy that secret_id`,
    })
  }
}

/** The command for a new one; the person who gave the role's ID knows its name. */
function madeBy({ mount, wrappedSecretId }: AppRole): string {
  const words = `write${wrappedSecretId ? ' -wrap-ttl=10m' : ''} -f auth/${mount}/role/ROLE/secret-id`
  return `vault ${words} (bao ${words} with OpenBao)`
}

function inMemory(): Keeper {
  const kept = new Map<string, Secret>()
  return {
    keep: async (name, value) => void kept.set(name, value),
    recall: async (name) => kept.get(name),
  }
}
