import type { VaultAnswer, VaultCall } from '../call.ts'
import { isVaultError, VaultError } from '../errors.ts'
import { Masked, type Secret } from '../secret.ts'

/** Sends one call without the session's token and throws for what is not an answer. */
export type Send = (call: VaultCall) => Promise<VaultAnswer>

/** A token that a login gave, as the server described it. */
export interface Login {
  readonly token: Secret
  /** 0: the server says it never ends */
  readonly leaseSeconds: number
  readonly renewable: boolean
  /** how many calls it serves; 0: as many as one likes */
  readonly uses: number
  /** of the token, sorted, where the login said so */
  readonly policies?: readonly string[]
}

/** One way to get a token. */
export interface LoginMethod {
  readonly name: string
  /** the token is made by the login, so a new one can be had and the old one may be revoked */
  readonly mints: boolean
  login(send: Send, signal: AbortSignal): Promise<Login>
}

/** `POST auth/<mount>/login`, which every method but `token` ends in. */
export async function loginAt(
  mount: string,
  body: Record<string, unknown>,
  send: Send,
  signal: AbortSignal,
  fixes: { readonly refused?: string } = {},
): Promise<Login> {
  const answer = await asLogin(send({ method: 'POST', path: ['auth', mount, 'login'], body, token: 'none', signal }), (error) =>
    fixAt(mount, error, fixes.refused),
  )
  const auth = answer.body['auth']
  if (!isRecord(auth) || typeof auth['client_token'] !== 'string' || auth['client_token'] === '') {
    const factor = isRecord(auth) && auth['mfa_requirement']
    throw new VaultError(
      'login_failed',
      `the login at auth/${mount} gave no token${factor ? ': it asks for a second factor' : ''}`,
      { requestId: answer.requestId, fix: factor ? 'exempt the role of this login from login MFA' : undefined },
    )
  }
  return {
    token: new Masked(auth['client_token']),
    leaseSeconds: Number(auth['lease_duration'] ?? 0),
    renewable: auth['renewable'] === true,
    uses: Number(auth['num_uses'] ?? 0),
    policies: Array.isArray(auth['policies']) ? auth['policies'].map(String).toSorted() : undefined,
  }
}

/** Nothing takes a login at that place, now: no credential was looked at, and none is locked for it. */
export class NoLoginThere extends VaultError {}

const REFUSALS = ['invalid', 'denied', 'not_found', 'unsupported', 'login_failed'] as const

/** The server's refusals of a login come as 400, 403, 404 and 500; here they all mean one thing. */
export async function asLogin<Result>(answer: Promise<Result>, fixFor: (error: VaultError) => string): Promise<Result> {
  try {
    return await answer
  } catch (error) {
    if (!isVaultError(error, ...REFUSALS)) throw error
    const Failure = isVaultError(error, 'not_found', 'unsupported') ? NoLoginThere : VaultError
    throw new Failure('login_failed', `could not log in: ${error.message}`, {
      cause: error,
      requestId: error.requestId,
      fix: fixFor(error),
    })
  }
}

function fixAt(
  mount: string,
  error: VaultError,
  refused = 'check the credential, the role, and the addresses that the role is bound to',
): string {
  return error.kind === 'not_found' || error.kind === 'unsupported'
    ? `enable the auth method at auth/${mount}, or correct its path`
    : `${refused}; five refusals lock it for 15 minutes`
}

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
