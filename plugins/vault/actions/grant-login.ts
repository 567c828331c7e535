import { BrokerError, isBrokerError } from '../../../src/sdk/index.ts'
import type { VaultFeatures, VaultSettings } from '../client.ts'
import { PROBE_POLICY, PROBE_USER, probeName } from '../probe-names.ts'
import type { Send } from '../send.ts'
import { lockOutCommand } from '../setup-commands.ts'
import { freshPassword, type GrantUser, removeProbeUser, writeUser } from './grant-user.ts'

/** Long enough for a slow server; what a broker that dies in between leaves behind ends by itself. */
const PROBE_SECONDS = 60

/** Each login is a client that Vault Enterprise counts: what went well is not tried again for hours, unless a person asks. */
const GOOD_FOR_MS = 6 * 3_600_000

/** When logins last went well, by the connection's settings. */
const wentWell = new WeakMap<LoginTrial['settings'], number>()

export function loginsWentWell(settings: LoginTrial['settings']): boolean {
  const at = wentWell.get(settings)
  return at !== undefined && performance.now() - at < GOOD_FOR_MS
}

export interface LoginTrial {
  readonly send: Send
  /** for what must go whatever happens: bound to no signal */
  readonly sendLast: Send
  readonly settings: Pick<VaultSettings, 'userpassMount' | 'policyPrefix'>
  readonly features: VaultFeatures
}

/**
 * Why nobody can be lent a token here, or undefined. Makes a user as a grant's, without any power, logs in as minting does, looks at the
 * token and takes all of it away again.
 */
export async function whatHindersLogins(trial: LoginTrial): Promise<BrokerError | undefined> {
  const trouble = await tryLogin(trial)
  if (trouble) wentWell.delete(trial.settings)
  else wentWell.set(trial.settings, performance.now())
  return trouble
}

async function tryLogin({ send, sendLast, settings, features }: LoginTrial): Promise<BrokerError | undefined> {
  const { userpassMount: mount, policyPrefix } = settings
  // The policy does not exist: the token may do nothing.
  const user = { mount, username: probeName(PROBE_USER), policy: probeName(policyPrefix + PROBE_POLICY) }
  const password = freshPassword()
  const logIn = (wrapTtlSeconds?: number) =>
    send({
      method: 'POST',
      path: ['auth', mount, 'login', user.username],
      token: 'none',
      body: { password },
      accept: [400, 403],
      ...(wrapTtlSeconds && { wrapTtlSeconds }),
    })
  try {
    await writeUser(send, user, PROBE_SECONDS, features, password)
    const wrap = await logIn(PROBE_SECONDS).catch((error: unknown) => {
      // OpenBao drops the connection where a wrapped login would ask for a second factor.
      if (isBrokerError(error, 'target.unreachable')) return undefined
      throw error
    })
    if (fieldsOf(wrap?.body['wrap_info'])['wrapped_accessor']) return undefined
    const { status, body, errors, requestId } = await logIn()
    const auth = fieldsOf(body['auth'])
    if (auth['mfa_requirement']) return secondFactor(mount)
    if (auth['token_type'] === 'batch') return batchTokens(mount)
    return new BrokerError(
      'target.unexpected',
      `a login at auth/${mount} with a right password answered ${status}${errors.length > 0 ? ` (${errors.join('; ')})` : ' without a token that can be wrapped'}`,
      { requestId, fix: `read what the server’s log says about logins at auth/${mount}` },
    )
  } finally {
    await removeProbeUser(sendLast, user)
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

export function batchTokens(mount: string): BrokerError {
  return new BrokerError(
    'target.unrevocable',
    `auth/${mount} is tuned to give batch tokens, which cannot be looked up or ended, so the broker lends nothing with them`,
    { fix: `vault auth tune -token-type=default-service ${mount}` },
  )
}

export function secondFactor(mount: string): BrokerError {
  return new BrokerError(
    'target.second_factor',
    `logins at auth/${mount} ask for a second factor, which a temporary user cannot have`,
    { fix: `take auth/${mount} out of the login enforcement: vault list identity/mfa/login-enforcement shows them` },
  )
}

/** The user's own login is refused although the password is right. */
export function lockedOut({ mount, username }: Pick<GrantUser, 'mount' | 'username'>): BrokerError {
  return new BrokerError(
    'target.locked_out',
    `the server locked ${username} out, because somebody else tried wrong passwords at auth/${mount}. The lock ends after 15 minutes unless the server is set otherwise`,
    { fix: `${lockOutCommand(mount)}\nunlocks at once and for good; otherwise open it again in 15 minutes` },
  )
}
