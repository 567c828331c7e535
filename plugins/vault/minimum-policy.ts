import type { PolicyAdvice } from '../../src/sdk/index.ts'
import type { VaultCall } from '../../vault/index.ts'
import type { Capability, VaultConfig } from './config.ts'
import { setupCommands } from './setup-commands.ts'

type Right = 'create' | 'read' | 'update' | 'delete' | 'list' | 'patch' | 'sudo'

/** One path of the broker's own policy. */
export interface Rule {
  readonly path: string
  readonly rights: readonly Right[]
  readonly why: string
  /** a path that it covers and nothing else would, where the pattern does not give one */
  readonly example?: string
  readonly allowedParameters?: Readonly<Record<string, readonly string[]>>
  readonly deniedParameters?: Readonly<Record<string, readonly string[]>>
  /** the broker works without it, less well */
  readonly optional?: boolean
}

/** Where a server says whether its audit log shows the ids that the broker sends along. */
export const AUDITED_HEADER = ['sys/config/auditing/request-headers', 'x-correlation-id'] as const

const CORE: readonly Rule[] = [
  { path: 'auth/token/lookup-self', rights: ['read'], why: 'tell a token that has ended from a missing right' },
  { path: 'auth/token/renew-self', rights: ['update'], why: 'renew the broker’s session' },
  { path: 'auth/token/revoke-self', rights: ['update'], why: 'end the broker’s session' },
  { path: 'sys/capabilities-self', rights: ['update'], why: 'check the rights of this policy' },
]

const BY_CAPABILITY: Readonly<Record<Capability, (config: VaultConfig) => readonly Rule[]>> = {
  discovery: (config) => [
    ...(config.kvMounts === 'all' || config.transitMounts === 'all'
      ? [
          {
            path: 'sys/mounts',
            rights: ['read'],
            why: 'see which mounts the policy does not reach',
            optional: true,
          } satisfies Rule,
        ]
      : []),
    ...mountsOf(config.kvMounts).flatMap((mount): Rule[] => [
      { path: `${mount}/metadata/*`, rights: ['list', 'read'], why: 'see names and tags of secrets, never a value' },
      { path: `${mount}/detailed-metadata/*`, rights: ['list'], why: 'see tags together with names (OpenBao)', optional: true },
    ]),
    ...mountsOf(config.transitMounts).flatMap((mount): Rule[] => [
      { path: `${mount}/keys`, rights: ['list'], why: 'see names of Transit keys' },
      // OpenBao judges a LIST with the slash at its end, where of two rules with `+` the one below would win and allow reading alone.
      ...(mount === '+'
        ? [{ path: '+/keys/', rights: ['list'], why: 'see names of Transit keys (OpenBao)' } satisfies Rule]
        : []),
      { path: `${mount}/keys/*`, rights: ['read'], why: 'see types of Transit keys' },
    ]),
  ],
  grants: ({ userpassMount, policyPrefix, namespace }) => [
    { path: `auth/${userpassMount}/users`, rights: ['list'], why: 'find forgotten users' },
    {
      path: `auth/${userpassMount}/users/*`,
      rights: ['create', 'update', 'read', 'delete'],
      why: 'make and remove temporary users, of grant policies only',
      allowedParameters: {
        password: [],
        password_hash: [],
        token_ttl: [],
        token_max_ttl: [],
        token_explicit_max_ttl: [],
        token_no_default_policy: [],
        token_bound_cidrs: [],
        token_type: [],
        token_policies: [`${policyPrefix}*`],
      },
      // A glob spans commas, and the server splits at them: without this a second policy slips through.
      deniedParameters: { token_policies: ['*,*'] },
    },
    { path: 'sys/policies/acl', rights: ['list'], why: 'find forgotten policies' },
    {
      path: `sys/policies/acl/${policyPrefix}*`,
      rights: ['create', 'update', 'read', 'delete'],
      why: 'make and remove grant policies',
    },
    {
      path: `sys/leases/revoke-prefix/auth/${userpassMount}/login/*`,
      rights: ['update', 'sudo'],
      why: 'cut live tokens of temporary users',
    },
    { path: `sys/leases/lookup/auth/${userpassMount}/login/*`, rights: ['list', 'sudo'], why: 'prove that they are gone' },
    { path: 'identity/lookup/entity', rights: ['update'], why: 'find what a login left behind' },
    { path: 'identity/entity/id/*', rights: ['read', 'delete'], why: 'remove what a login left behind' },
    {
      path: 'identity/entity-alias/id/*',
      rights: ['delete'],
      why: 'remove what a login left behind in the entity of a person it was merged into',
      optional: true,
    },
    { path: 'auth/token/lookup-accessor', rights: ['update'], why: 'see whether a delivery was opened, or a snapshot put back' },
    { path: 'sys/wrapping/wrap', rights: ['update'], why: 'notice when an earlier snapshot is put back', optional: true },
    // Only the root namespace can be asked for it.
    ...(namespace
      ? []
      : [
          {
            path: AUDITED_HEADER.join('/'),
            rights: ['read', 'sudo'],
            why: 'see whether the audit log shows the broker’s request ids',
            optional: true,
          } satisfies Rule,
        ]),
  ],
  'rotate-secrets': ({ kvMounts }) =>
    mountsOf(kvMounts).flatMap((mount): Rule[] => [
      {
        path: `${mount}/data/*`,
        rights: ['read', 'create', 'update'],
        why: 'give secrets new values, and put the old ones back',
      },
      { path: `${mount}/metadata/*`, rights: ['read', 'list'], why: 'see which versions there are' },
      { path: `${mount}/config`, rights: ['read'], why: 'say how many versions a mount keeps', optional: true },
      {
        path: `${mount}/delete/*`,
        rights: ['update'],
        why: 'delete again what was written over a version that somebody had just deleted',
        optional: true,
      },
    ]),
  'delete-versions': ({ kvMounts }) =>
    mountsOf(kvMounts).flatMap((mount): Rule[] => [
      { path: `${mount}/metadata/*`, rights: ['read', 'list'], why: 'see which versions there are' },
      { path: `${mount}/delete/*`, rights: ['update'], why: 'delete versions' },
      { path: `${mount}/undelete/*`, rights: ['update'], why: 'bring deleted versions back' },
    ]),
  'destroy-versions': ({ kvMounts }) =>
    mountsOf(kvMounts).flatMap((mount): Rule[] => [
      { path: `${mount}/metadata/*`, rights: ['read', 'list'], why: 'see which versions there are' },
      { path: `${mount}/destroy/*`, rights: ['update'], why: 'destroy versions' },
    ]),
  'change-policies': ({ policies }) =>
    policies.map((name) => ({
      path: `sys/policies/acl/${name}`,
      rights: ['create', 'read', 'update', 'delete'],
      why: 'change the policies that the integration names, and put them back',
    })),
  'revoke-tokens': () => [
    { path: 'auth/token/lookup-accessor', rights: ['update'], why: 'show which token it is, and that it is gone' },
    { path: 'auth/token/revoke-accessor', rights: ['update'], why: 'revoke tokens' },
  ],
  'rotate-database': ({ databaseMounts }) =>
    databaseMounts.flatMap((mount): Rule[] => [
      { path: `${mount}/static-roles/*`, rights: ['read'], why: 'see when a role was rotated last, never its password' },
      { path: `${mount}/rotate-role/*`, rights: ['update'], why: 'rotate static roles' },
      { path: `${mount}/config/*`, rights: ['read'], why: 'see by which user a connection is made', optional: true },
      { path: `${mount}/rotate-root/*`, rights: ['update'], why: 'rotate the password of a connection itself', optional: true },
    ]),
  'read-certificates': ({ certificatePaths }) =>
    certificatePaths.map(({ mount, path }) => ({
      path: `${mount}/data/${path}`,
      rights: ['read'],
      why: 'read a certificate and its key',
    })),
  'issue-certificates': ({ pkiRoles }) =>
    pkiRoles.flatMap(({ mount, role }): Rule[] => [
      { path: `${mount}/sign/${role}`, rights: ['update'], why: 'have certificates issued for keys that the broker made' },
      { path: `${mount}/roles/${role}`, rights: ['read'], why: 'see that what a role issues is kept, and hangs on no token' },
      { path: `${mount}/certs`, rights: ['list'], why: 'find a certificate whose answer was lost' },
      { path: `${mount}/cert/*`, rights: ['read'], why: 'read certificates back' },
      { path: `${mount}/revoke`, rights: ['update'], why: 'take an issued certificate back, by its serial number' },
    ]),
  distribution: ({ certificatesAt }) => (certificatesAt ? certificateRules(certificatesAt) : []),
}

function certificateRules({ mount, pattern, example }: NonNullable<VaultConfig['certificatesAt']>): Rule[] {
  const at = (what: string) => ({ path: `${mount}/${what}/${pattern}`, example: `${mount}/${what}/${example}` })
  return [
    { ...at('data'), rights: ['create', 'read', 'update'], why: 'write certificates, read them back, and put earlier ones back' },
    { ...at('metadata'), rights: ['read'], why: 'see which versions there are' },
    { ...at('delete'), rights: ['update'], why: 'take the first version of a certificate back', optional: true },
    { path: `${mount}/config`, rights: ['read'], why: 'say how many versions the mount keeps', optional: true },
  ]
}

/** Every path the enabled capabilities need. Rules of one path are merged. */
export function wantedRules(config: VaultConfig): Rule[] {
  const rules = new Map<string, Rule>()
  for (const rule of [...CORE, ...config.capabilities.flatMap((capability) => BY_CAPABILITY[capability](config))]) {
    const same = rules.get(rule.path)
    rules.set(rule.path, same ? { ...same, rights: [...new Set([...same.rights, ...rule.rights])] } : rule)
  }
  return [...rules.values()]
}

/** The document and the commands for a target that was prepared for nothing yet. */
export function minimumPolicy(config: VaultConfig): PolicyAdvice {
  const document = policyDocument(wantedRules(config))
  return { document, commands: setupCommands(config, document) }
}

/** JSON, which a hostile name cannot break out of, a path to a line. Both products read it as they read HCL. */
export function policyDocument(rules: readonly Rule[]): string {
  const lines = rules.map(({ path, rights, allowedParameters, deniedParameters }) => {
    const rule = { capabilities: rights, allowed_parameters: allowedParameters, denied_parameters: deniedParameters }
    return `  ${JSON.stringify(path)}: ${JSON.stringify(rule)}`
  })
  return `{ "path": {\n${lines.join(',\n')}\n} }`
}

/** A rule as a person would write it, or as JSON when its path has a character that HCL could read otherwise. */
export function hclOf(rule: Pick<Rule, 'path' | 'rights'>): string {
  if (!/^[\w./+*@=: -]+$/.test(rule.path)) return JSON.stringify({ path: { [rule.path]: { capabilities: rule.rights } } })
  return `path "${rule.path}" { capabilities = [${rule.rights.map((right) => `"${right}"`).join(', ')}] }`
}

/** The line that would allow `call`: the one of the minimum policy if it has one. */
export function lineFor(call: Pick<VaultCall, 'method' | 'path' | 'list'>, config: VaultConfig): string {
  const path = call.path.join('/')
  const rule = wantedRules(config).find(
    (candidate) => covers(candidate.path, path) || (call.list && covers(candidate.path, `${path}/`)),
  )
  return hclOf(rule ?? { path, rights: rightsFor(call) })
}

/** A path the rule covers and nothing else would: capabilities are asked for paths, not for patterns. */
export function exampleOf(rule: Pick<Rule, 'path' | 'example'>): string {
  return rule.example ?? rule.path.replace(/^\+/, 'latchkey-example').replace(/\*$/, '0-latchkey-example')
}

export function covers(rule: string, path: string): boolean {
  const [ruled, asked] = [rule.split('/'), path.split('/')]
  return rule.endsWith('*')
    ? asked.length >= ruled.length && ruled.every((segment, at) => fits(segment, asked[at] ?? '', at === ruled.length - 1))
    : asked.length === ruled.length && ruled.every((segment, at) => fits(segment, asked[at] ?? '', false))
}

function fits(ruled: string, asked: string, last: boolean): boolean {
  return ruled === '+' || ruled === asked || (last && asked.startsWith(ruled.slice(0, -1)))
}

function rightsFor(call: Pick<VaultCall, 'method' | 'list'>): Right[] {
  if (call.list) return ['list']
  switch (call.method) {
    case 'GET':
      return ['read']
    case 'POST':
    case 'PUT':
      return ['create', 'update']
    case 'PATCH':
      return ['patch']
    case 'DELETE':
      return ['delete']
  }
}

/** `+` stands for any mount of one segment; deeper ones have to be named. */
function mountsOf(mounts: readonly string[] | 'all'): readonly string[] {
  return mounts === 'all' ? ['+'] : mounts
}
