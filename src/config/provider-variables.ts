import { z } from 'zod'
import { Secret } from '../sdk/index.ts'
import {
  type IdentityProvider,
  parseApiScopes,
  parseAttributes,
  parseIssuer,
  parseParameters,
  readSecretFile,
} from './identity-provider.ts'
import { read, text, wholeNumber } from './variable.ts'

const SCOPES = /^openid( [!-~]+)*$/
const CLAIM = /^[!-~]{1,200}$/

// People change these themselves at many providers, and companies give them to the next person: they say who somebody is called.
const CHANGEABLE = ['email', 'mail', 'emails', 'preferred_username', 'upn', 'unique_name', 'username', 'nickname', 'name']

/** What the environment says of the provider people sign in at. */
export const providerVariables = {
  LATCHKEY_OIDC_ISSUER: read(
    parseIssuer,
    'give the issuer as its discovery document does: https://…; plain http only on the loopback',
  ).optional(),
  LATCHKEY_OIDC_CLIENT_ID: text(CLAIM, 'give the id of the broker’s client at the provider').optional(),
  LATCHKEY_OIDC_CLIENT_SECRET: text(/./, 'give the secret of that client').optional(),
  LATCHKEY_OIDC_CLIENT_SECRET_FILE: read(readSecretFile, 'give the name of a readable file that holds the secret').optional(),
  LATCHKEY_OIDC_SCOPES: text(SCOPES, 'give scopes separated by spaces; the first must be openid').default('openid profile email'),
  LATCHKEY_OIDC_CLI_SCOPES: text(SCOPES, 'give scopes separated by spaces; the first must be openid').optional(),
  LATCHKEY_OIDC_PARAMETERS: read(
    parseParameters,
    'give name=value pairs separated by commas, as in access_type=offline,prompt=consent; leave out what the broker sends itself',
  ).optional(),
  LATCHKEY_OIDC_GROUPS_CLAIM: text(CLAIM, 'give the name of a claim').default('groups'),
  LATCHKEY_OIDC_ATTRIBUTES: read(
    parseAttributes,
    'give attribute=claim pairs separated by commas, as in department=dept,manager=manager',
  ).default({}),
  LATCHKEY_OIDC_AUDIENCE: text(CLAIM, 'give the audience that the provider puts into access tokens for the broker').optional(),
  LATCHKEY_OIDC_RESOURCE: text(CLAIM, 'give the identifier by which the provider knows the broker’s API').optional(),
  LATCHKEY_OIDC_ACCESS_TOKEN_TYPE: z.enum(['at+jwt', 'jwt'], { error: 'set it to at+jwt or jwt' }).default('at+jwt'),
  LATCHKEY_OIDC_METADATA_MINUTES: wholeNumber(1, 1440).default(60),
  LATCHKEY_OIDC_CLI_CLIENT_ID: text(CLAIM, 'give the id of the command line’s client at the provider').optional(),
  LATCHKEY_OIDC_API_CLIENTS: text(/^[!-+\--~]{1,200}(,[!-+\--~]{1,200})*$/, 'give client ids separated by commas')
    .transform((ids) => ids.split(','))
    .optional(),
  LATCHKEY_OIDC_API_SCOPES: read(
    parseApiScopes,
    'give pairs separated by commas, Latchkey’s scope first and the provider’s second, as in request=latchkey.request,approve=latchkey.approve; Latchkey’s scopes are request, approve, manage, audit',
  ).optional(),
  LATCHKEY_OIDC_SCIM_CLAIM: text(CLAIM, 'give the name of a claim')
    .refine((claim) => !CHANGEABLE.includes(claim.toLowerCase()), {
      error: 'name a claim that people cannot choose and that the provider never gives to another person, such as sub or oid',
    })
    .default('sub'),
  LATCHKEY_OIDC_ONLY_SCIM: z
    .literal('true', { error: 'set it to true if only people SCIM brought may sign in, or unset it' })
    .optional(),
  LATCHKEY_OIDC_EMAILS_VERIFIED: z
    .literal('true', { error: 'set it to true if nobody at this provider can have an address that is not theirs, or unset it' })
    .optional(),
}

interface Flaw {
  readonly variable: string
  readonly problem: string
  readonly fix: string
}

const shape = z.strictObject(providerVariables)

/** undefined where there is none */
export function providerOf(known: z.output<typeof shape>): IdentityProvider | undefined {
  if (known.LATCHKEY_OIDC_ISSUER === undefined) return undefined
  return {
    issuer: known.LATCHKEY_OIDC_ISSUER,
    clientId: known.LATCHKEY_OIDC_CLIENT_ID ?? '',
    clientSecret: known.LATCHKEY_OIDC_CLIENT_SECRET_FILE ?? new Secret(known.LATCHKEY_OIDC_CLIENT_SECRET ?? ''),
    scopes: known.LATCHKEY_OIDC_SCOPES,
    groupsClaim: known.LATCHKEY_OIDC_GROUPS_CLAIM,
    attributes: known.LATCHKEY_OIDC_ATTRIBUTES,
    audience: known.LATCHKEY_OIDC_AUDIENCE,
    cliClientId: known.LATCHKEY_OIDC_CLI_CLIENT_ID,
    apiClients: known.LATCHKEY_OIDC_API_CLIENTS,
    apiScopes: known.LATCHKEY_OIDC_API_SCOPES,
    scimClaim: known.LATCHKEY_OIDC_SCIM_CLAIM,
    onlyScim: known.LATCHKEY_OIDC_ONLY_SCIM === 'true',
    cliScopes: known.LATCHKEY_OIDC_CLI_SCOPES,
    authorizationParameters: known.LATCHKEY_OIDC_PARAMETERS,
    resource: known.LATCHKEY_OIDC_RESOURCE,
    accessTokenType: known.LATCHKEY_OIDC_ACCESS_TOKEN_TYPE,
    metadataMinutes: known.LATCHKEY_OIDC_METADATA_MINUTES,
    emailsVerified: known.LATCHKEY_OIDC_EMAILS_VERIFIED === 'true',
  }
}

/** A provider that is only half described would let nobody in, and say so to people instead of to the operator. */
export function providerFlaws(env: NodeJS.ProcessEnv): Flaw[] {
  const given = Object.keys(env).filter((name) => name.startsWith('LATCHKEY_OIDC_'))
  if (given.length === 0) return []
  const missing = (variable: string, fix: string) => ({ variable, problem: 'is missing', fix })
  const found: Flaw[] = []
  if (env['LATCHKEY_OIDC_ISSUER'] === undefined)
    found.push(missing('LATCHKEY_OIDC_ISSUER', `set it, or unset ${given.join(', ')}`))
  if (env['LATCHKEY_OIDC_CLIENT_ID'] === undefined)
    found.push(missing('LATCHKEY_OIDC_CLIENT_ID', 'set it to the broker’s client'))
  const secrets = given.filter((name) => name.startsWith('LATCHKEY_OIDC_CLIENT_SECRET'))
  if (secrets.length === 0) found.push(missing('LATCHKEY_OIDC_CLIENT_SECRET', 'set it, or LATCHKEY_OIDC_CLIENT_SECRET_FILE'))
  if (secrets.length === 2) {
    found.push({ variable: secrets[0]!, problem: `and ${secrets[1]} are both set`, fix: 'unset one of them' })
  }
  const audience = env['LATCHKEY_OIDC_AUDIENCE']
  const clients = [env['LATCHKEY_OIDC_CLIENT_ID'], env['LATCHKEY_OIDC_CLI_CLIENT_ID']]
  if (env['LATCHKEY_OIDC_ACCESS_TOKEN_TYPE'] === 'jwt' && audience !== undefined && clients.includes(audience)) {
    const problem = 'is a client’s id, so that client’s ID tokens would be accepted, too'
    found.push({
      variable: 'LATCHKEY_OIDC_AUDIENCE',
      problem,
      fix: 'give the broker’s API an audience of its own at the provider',
    })
  }
  if (env['LATCHKEY_OIDC_AUDIENCE'] !== undefined && !env['LATCHKEY_OIDC_CLI_CLIENT_ID'] && !env['LATCHKEY_OIDC_API_CLIENTS']) {
    found.push(
      missing(
        'LATCHKEY_OIDC_API_CLIENTS',
        'set it, or LATCHKEY_OIDC_CLI_CLIENT_ID, or unset LATCHKEY_OIDC_AUDIENCE: no client may bring an access token',
      ),
    )
  }
  if (env['LATCHKEY_PORT'] === '0' && env['LATCHKEY_PUBLIC_URL'] === undefined) {
    found.push(missing('LATCHKEY_PUBLIC_URL', 'set it: the provider sends people back there'))
  }
  return found
}
