import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.ts'
import type { IdentityProvider } from '../../config/identity-provider.ts'
import type { IdentityView } from '../../contract/identity.ts'
import type { HealthReport } from '../../contract/integrations.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row } from '../../platform/postgres/database.ts'
import { isBrokerError } from '../../sdk/index.ts'
import { PersonDetails } from '../directory/person-details.ts'
import { UsersService } from '../people/users.service.ts'
import { Provider } from './provider.ts'
import { publicOrigin, signInConfig } from './sign-in-config.ts'
import type { Arrived } from './statement.ts'

type Check = HealthReport['checks'][number]

const GUIDE = 'see your provider’s section in docs/integrations/identity-provider.md'

/** What the identity provider tells of itself and of the admin who asks, what of it was understood, and what to change. */
@Injectable()
export class ProviderCheck {
  constructor(
    private readonly database: Database,
    private readonly provider: Provider,
    private readonly users: UsersService,
    private readonly details: PersonDetails,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async check(userId: string): Promise<HealthReport> {
    const mapping = signInConfig(this.config)
    const checks = [...(await this.ofProvider(mapping)), ...(await this.ofSignIn(mapping, userId))]
    const { now } = (await row<{ now: Date }>(this.database.pool, 'select now()'))!
    return { healthy: checks.every(({ status }) => status !== 'failed'), checks, at: now.toISOString() }
  }

  private async ofProvider(mapping: IdentityProvider): Promise<Check[]> {
    try {
      const metadata = (await this.provider.get()).client.serverMetadata()
      const unknown = mapping.scopes.split(' ').filter((scope) => !(metadata.scopes_supported ?? [scope]).includes(scope))
      const asksOffline = mapping.scopes.split(' ').includes('offline_access')
      const hasDevice = metadata.device_authorization_endpoint !== undefined
      return [
        ok('provider', `${mapping.issuer} answers, and its discovery document names the same issuer`),
        unknown.length === 0
          ? ok('scopes', mapping.scopes)
          : warning(
              'scopes',
              `the provider does not list ${unknown.join(', ')}`,
              'check LATCHKEY_OIDC_SCOPES: with an unknown scope the provider may refuse every sign-in',
            ),
        asksOffline
          ? warning(
              'offline access',
              'offline_access is requested; at some providers such sessions outlive signing out',
              'remove offline_access from LATCHKEY_OIDC_SCOPES unless the provider gives no refresh tokens without it',
            )
          : ok('offline access', 'offline_access is not requested'),
        metadata.revocation_endpoint
          ? ok('revocation', 'the broker can revoke refresh tokens of ended sessions at the provider')
          : warning(
              'revocation',
              'the broker cannot revoke refresh tokens: the provider has no endpoint for it',
              'set a short lifetime for refresh tokens at the provider',
            ),
        metadata.end_session_endpoint
          ? ok('signing out', 'people who sign out here can be signed out at the provider, too')
          : warning(
              'signing out',
              'signing out here does not sign people out at the provider, which has no endpoint for it',
              'tell people to sign out at the provider as well',
            ),
        metadata['backchannel_logout_supported'] === true
          ? ok(
              'signing out there',
              `the provider can tell ${publicOrigin(this.config)}/auth/back-channel-logout that a person signed out`,
            )
          : warning(
              'signing out there',
              'the provider does not announce that it tells the broker who signed out (back-channel logout)',
              'set it up at the provider if it can; without it a session ends at the person’s next decision',
            ),
        mapping.cliClientId && mapping.audience && !hasDevice
          ? warning('command line', 'the provider has no device authorization, so latchkey login cannot work', 'use API tokens')
          : ok(
              'command line',
              mapping.cliClientId
                ? `client ${mapping.cliClientId}, audience ${mapping.audience}`
                : 'latchkey login is not set up',
            ),
      ]
    } catch (error) {
      if (!isBrokerError(error)) throw error
      return [
        { name: 'provider', status: 'failed', detail: error.message, ...(error.fix === undefined ? {} : { fix: error.fix }) },
      ]
    }
  }

  private async ofSignIn(mapping: IdentityProvider, userId: string): Promise<Check[]> {
    const identity = (await this.details.identities(userId)).find(({ issuer }) => issuer === mapping.issuer)
    const arrived = await this.arrived(mapping.issuer, userId)
    if (!identity || !arrived) {
      const fix = `sign in at ${publicOrigin(this.config)}/auth/login, and check again with a token or login of yours`
      return [warning('your sign-in', 'you have not signed in with a browser yet, so there is nothing to check', fix)]
    }
    const person = await this.details.of(await this.users.get(userId))
    const from = (fact: string) => person.facts.find((one) => one.fact === fact)
    const told = (name: string, claim: string, value: string | null | undefined, fix: string): Check => {
      const where = whereIs(arrived, claim)
      const said = from(name)
      if (value !== null && value !== undefined)
        return ok(`${name} (${claim})`, `${value}${said ? `, from the ${said.source.replace('_', ' ')}` : ''}`)
      return where
        ? warning(`${name} (${claim})`, `arrived in the ${where}, but could not be used`, fix)
        : warning(`${name} (${claim})`, 'did not arrive', fix)
    }
    const mapped = Object.entries(mapping.attributes).map(([attribute, claim]) => {
      const value = person.attributes[attribute]
      return told(
        attribute,
        claim,
        value === undefined ? undefined : [value].flat().join(', '),
        `let the provider send ${claim} in the ID token or userinfo; ${GUIDE}`,
      )
    })
    return [
      ok(
        'arrived',
        Object.entries(arrived)
          .map(([document, claims]) => `${document.replace('_', ' ')}: ${listed(claims)}`)
          .join('; '),
      ),
      told('name', 'name', person.name, 'add the scope profile to LATCHKEY_OIDC_SCOPES'),
      told('userName', 'preferred_username', person.userName, 'add the scope profile to LATCHKEY_OIDC_SCOPES'),
      told('email', 'email', person.email, emailFix(arrived)),
      ...mapped,
      ...(mapping.attributes['manager'] === undefined || person.attributes['manager'] === undefined
        ? []
        : [managerCheck(person.manager)]),
      ...groupChecks(
        mapping,
        identity,
        person.groups.map(({ name }) => name),
        arrived,
      ),
    ]
  }

  private async arrived(issuer: string, userId: string): Promise<Arrived | undefined> {
    const found = await row<{ arrived: Arrived | null }>(
      this.database.pool,
      'select arrived from identities where issuer = $1 and user_id = $2 order by confirmed_at desc limit 1',
      [issuer, userId],
    )
    return found?.arrived ?? undefined
  }
}

function groupChecks(mapping: IdentityProvider, identity: IdentityView, groups: readonly string[], arrived: Arrived): Check[] {
  const name = `groups (${mapping.groupsClaim})`
  const { groupsUntold, groupsRefused } = identity
  const refused = groupsRefused.map((one) =>
    warning('group left out', `${one.name}: ${one.why}`, 'rename the group at the provider, or do not send it'),
  )
  if (groupsUntold)
    return [
      {
        name,
        status: 'failed',
        detail: `the provider does not say which groups you are in: ${groupsUntold.why}`,
        fix: 'read “Groups that are not told” in docs/integrations/identity-provider.md',
      },
      ...refused,
    ]
  if (groups.length > 0) return [ok(name, groups.join(', ')), ...refused]
  const fix = `if you should be in a group, let the provider send ${mapping.groupsClaim} in the ID token or userinfo, or set LATCHKEY_OIDC_GROUPS_CLAIM; ${GUIDE}`
  return [
    warning(
      name,
      whereIs(arrived, mapping.groupsClaim) ? 'arrived, but holds no group' : 'did not arrive, so you are in no group',
      fix,
    ),
    ...refused,
  ]
}

function managerCheck(manager: { readonly name: string } | null): Check {
  if (manager) return ok('manager', `is ${manager.name}`)
  return warning(
    'manager',
    'is the name of no person who has signed in',
    'let the provider send the manager’s subject, SCIM external id, or user name',
  )
}

function emailFix(arrived: Arrived): string {
  if (!whereIs(arrived, 'email')) return 'add the scope email to LATCHKEY_OIDC_SCOPES'
  return 'let the provider send email_verified: true; or set LATCHKEY_OIDC_EMAILS_VERIFIED=true if nobody at the provider can have another person’s address'
}

function whereIs(arrived: Arrived, claim: string): string | undefined {
  return Object.entries(arrived)
    .find(([, claims]) => Object.hasOwn(claims, claim))?.[0]
    .replace('_', ' ')
}

const listed = (claims: Readonly<Record<string, string>>) =>
  Object.entries(claims)
    .map(([claim, kind]) => `${claim} (${kind})`)
    .join(', ') || 'nothing'
const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail })
const warning = (name: string, detail: string, fix: string): Check => ({ name, status: 'warning', detail, fix })
