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

const GUIDE = 'docs/integrations/identity-provider.md has a section for it'

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
        ok('provider', `${mapping.issuer} answers and calls itself so`),
        unknown.length === 0
          ? ok('scopes', mapping.scopes)
          : warning(
              'scopes',
              `the provider does not list ${unknown.join(', ')}`,
              'look at LATCHKEY_OIDC_SCOPES; asking for an unknown scope may refuse everybody',
            ),
        asksOffline
          ? warning(
              'offline access',
              'asked for: at some providers its sessions outlive signing out there',
              'leave offline_access out of LATCHKEY_OIDC_SCOPES unless there are no refresh tokens without it',
            )
          : ok('offline access', 'not asked for'),
        metadata.revocation_endpoint
          ? ok('revocation', 'refresh tokens of ended sessions are revoked there')
          : warning('revocation', 'the provider has no endpoint to revoke refresh tokens', 'keep its refresh tokens short-lived'),
        metadata.end_session_endpoint
          ? ok('signing out', 'signing out here can sign out there')
          : warning('signing out', 'the provider has no endpoint to sign out at', 'people sign out there themselves'),
        metadata['backchannel_logout_supported'] === true
          ? ok('signing out there', `it can tell ${publicOrigin(this.config)}/auth/back-channel-logout`)
          : warning(
              'signing out there',
              'the provider does not say that it tells who signed out',
              'until then sessions end at the next decision',
            ),
        mapping.cliClientId && mapping.audience && !hasDevice
          ? warning('command line', 'the provider has no device authorization: latchkey login cannot work', 'use API tokens')
          : ok(
              'command line',
              mapping.cliClientId ? `client ${mapping.cliClientId}, audience ${mapping.audience}` : 'not set up',
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
      const fix = `sign in as yourself at ${publicOrigin(this.config)}/auth/login, and check with a token or login of the same person`
      return [
        warning('your sign-in', 'you have not signed in at the provider in a browser yet, so there is nothing to look at', fix),
      ]
    }
    const person = await this.details.of(await this.users.get(userId))
    const from = (fact: string) => person.facts.find((one) => one.fact === fact)
    const told = (name: string, claim: string, value: string | null | undefined, fix: string): Check => {
      const where = whereIs(arrived, claim)
      const said = from(name)
      if (value !== null && value !== undefined)
        return ok(`${name} (${claim})`, `${value}${said ? `, from the ${said.source.replace('_', ' ')}` : ''}`)
      return where
        ? warning(`${name} (${claim})`, `arrived in the ${where}, and was not understood`, fix)
        : warning(`${name} (${claim})`, 'did not arrive', fix)
    }
    const mapped = Object.entries(mapping.attributes).map(([attribute, claim]) => {
      const value = person.attributes[attribute]
      return told(
        attribute,
        claim,
        value === undefined ? undefined : [value].flat().join(', '),
        `have the provider put ${claim} into the ID token or userinfo; ${GUIDE}`,
      )
    })
    return [
      ok(
        'arrived',
        Object.entries(arrived)
          .map(([document, claims]) => `${document.replace('_', ' ')}: ${listed(claims)}`)
          .join('; '),
      ),
      told('name', 'name', person.name, 'ask for the scope profile'),
      told('userName', 'preferred_username', person.userName, 'ask for the scope profile'),
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
    warning('group left out', `${one.name}: ${one.why}`, 'rename it at the provider, or leave it out there'),
  )
  if (groupsUntold)
    return [
      { name, status: 'failed', detail: `not told: ${groupsUntold.why}`, fix: 'see “Groups that are not told” in the guide' },
      ...refused,
    ]
  if (groups.length > 0) return [ok(name, groups.join(', ')), ...refused]
  const fix = `if you should be in one, have the provider put ${mapping.groupsClaim} into the ID token or userinfo, or set LATCHKEY_OIDC_GROUPS_CLAIM; ${GUIDE}`
  return [
    warning(name, whereIs(arrived, mapping.groupsClaim) ? 'arrived, and holds none' : 'did not arrive: you are in none', fix),
    ...refused,
  ]
}

function managerCheck(manager: { readonly name: string } | null): Check {
  if (manager) return ok('manager', `is ${manager.name}`)
  return warning(
    'manager',
    'names nobody who has signed in',
    'it must hold a subject, a SCIM external id, or the user name of one person',
  )
}

function emailFix(arrived: Arrived): string {
  if (!whereIs(arrived, 'email')) return 'ask for the scope email'
  return 'the provider must say email_verified: true; LATCHKEY_OIDC_EMAILS_VERIFIED=true if nobody there can have an address that is not theirs'
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
