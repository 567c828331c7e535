import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { retired, Secret, secret } from '../../src/sdk/index.ts'
import { DELIVERIES } from './deliveries.ts'

/** What the integration may be used for; each adds its lines to the broker's policy. */
export const CAPABILITIES = [
  'discovery',
  'grants',
  'rotate-secrets',
  'delete-versions',
  'destroy-versions',
  'change-policies',
  'revoke-tokens',
  'rotate-database',
  'read-certificates',
  'issue-certificates',
] as const
// Of a connection that belongs to a target of distribution; nobody ticks it.
const FOR_TARGETS = ['distribution'] as const
export type Capability = (typeof CAPABILITIES)[number] | (typeof FOR_TARGETS)[number]
// Could be ticked once, although nothing made use of them. A configuration that has them still works and gets nothing for them.
const NEVER_BUILT = ['rotation', 'database', 'tokens'] as const
const isCapability = (name: string): name is Capability =>
  [...CAPABILITIES, ...FOR_TARGETS].some((capability) => capability === name)

const SEGMENT = /^[A-Za-z0-9][\w.-]*$/
const isPath = (text: string) => text.split('/').every((segment) => SEGMENT.test(segment))
const trimmed = z.string().trim().max(512)
export const slashless = (title: string, description: string) =>
  trimmed
    .transform((path) => path.replace(/^\/+|\/+$/g, ''))
    .refine(isPath, 'must be letters, digits, `_`, `-` and `.` in segments separated by `/`')
    .meta({ title, description })

const httpUrl = trimmed.refine(isHttpUrl, 'must be an absolute http or https URL without user name, query or fragment')
const certificates = z.string().max(1_000_000).refine(isPem, 'must be readable PEM certificates')
const mounts = (title: string, preset: string) =>
  z
    .union([
      z.literal('all').meta({ title: 'All of them' }),
      z
        .array(slashless(`Mount`, `for example \`${preset}\``))
        .min(1)
        .max(200)
        .meta({ title: 'Only these' }),
    ])
    .prefault('all')
    .meta({ title, description: '`all`, or the paths of the mounts to discover' })

export const approle = z.strictObject({
  method: z
    .literal('approle')
    .optional()
    .transform(() => 'approle' as const)
    .meta({ title: 'AppRole', description: 'the login where none is named' }),
  mount: slashless('Mount', 'path of the AppRole auth method').prefault('approle'),
  roleId: trimmed.min(1).meta({ title: 'Role ID', description: 'not a secret' }),
  secretId: secret({ title: 'Secret ID', description: 'leave it empty if you give a wrapped one' }).optional(),
  wrappedSecretId: secret({
    title: 'Wrapped secret ID',
    description:
      'the wrapping token from `vault write -wrap-ttl=… -f auth/approle/role/…/secret-id`; the broker uses it once and keeps the secret ID sealed',
  }).optional(),
})
const token = z.strictObject({
  method: z.literal('token').meta({ title: 'Token' }),
  token: secret({ title: 'Token', description: 'renewed for as long as the server allows; prefer AppRole' }),
})
export const jwt = z.strictObject({
  method: z.literal('jwt').meta({ title: 'JWT or Kubernetes' }),
  mount: slashless('Mount', 'path of the JWT or Kubernetes auth method').prefault('jwt'),
  role: trimmed.optional().meta({ title: 'Role', description: 'empty: the default role of the mount' }),
  file: trimmed.min(1).meta({
    title: 'Token file',
    description: 'a file that the daemon’s LATCHKEY_INTEGRATION_FILES allows for this address; read at every login',
  }),
})
export const cert = z.strictObject({
  method: z.literal('cert').meta({ title: 'Client certificate' }),
  mount: slashless('Mount', 'path of the TLS certificate auth method').prefault('cert'),
  role: trimmed.optional().meta({ title: 'Role', description: 'empty: any role that matches the certificate' }),
  certificatePem: certificates.meta({ title: 'Certificate', description: 'PEM, with its intermediates' }),
  privateKeyPem: secret({ title: 'Private key', description: 'PEM' }),
})

/** How a server is reached. There is no switch that skips TLS verification. */
export const targetFields = {
  address: httpUrl
    .transform((url) => url.replace(/\/+$/, ''))
    .meta({ title: 'Vault address', description: 'for example https://vault.example.com:8200' }),
  namespace: slashless('Namespace', 'OpenBao, Vault Enterprise or HCP; one integration serves one namespace').optional(),
  caPem: certificates.optional().meta({ title: 'CA certificate', description: 'PEM; empty: the system’s bundle' }),
  caFile: trimmed.optional().meta({
    title: 'CA certificate file',
    description: 'instead of the PEM text; a file that LATCHKEY_INTEGRATION_FILES allows for this address',
  }),
  timeoutSeconds: z.number().int().min(1).max(90).prefault(30).meta({ title: 'Timeout', description: 'seconds for one call' }),
}

/** The integration's configuration. The catalog shows it as JSON Schema, from which a form can be drawn. */
export const vaultConfig = z
  .strictObject({
    ...targetFields,
    proxy: httpUrl.optional().meta({ title: 'HTTP proxy', description: 'empty: HTTPS_PROXY and NO_PROXY of the daemon' }),
    redirectHosts: z
      .array(trimmed.regex(/^[A-Za-z0-9.[\]:-]+$/, 'must be a host or host:port'))
      .max(20)
      .prefault([])
      .meta({ title: 'Other nodes', description: 'hosts to which a standby may redirect the broker, as host:port' }),
    auth: z.discriminatedUnion('method', [approle, token, jwt, cert]).meta({ title: 'Login' }),
    userpassMount: slashless(
      'Userpass mount',
      'a userpass mount only for temporary users; people must have no users there',
    ).prefault('apono'),
    policyPrefix: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{1,40}-$/, 'must be lower-case letters, digits and dashes, with a dash at the end')
      .prefault('apono-g-')
      .meta({ title: 'Prefix of grant policies', description: 'the broker may write every policy with this prefix' }),
    policyName: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,80}$/, 'must be lower-case letters, digits and dashes')
      .prefault('latchkey-broker')
      .meta({ title: 'The broker’s own policy', description: 'must not begin with the prefix of grant policies' }),
    policies: z
      .array(trimmed.regex(/^[a-z0-9][a-z0-9_.-]*\*?$/, 'must be a policy’s name in lower case, with a * at its end at most'))
      .max(200)
      .prefault([])
      .meta({
        title: 'Policies that may be changed',
        description: 'names of policies, or beginnings of names followed by `*`; none unless given',
      }),
    databaseMounts: z
      .array(slashless('Mount', 'for example `database`'))
      .min(1)
      .max(50)
      .prefault(['database'])
      .meta({ title: 'Database engines', description: 'database engines whose credentials may be rotated' }),
    certificatePaths: z
      .array(
        z.strictObject({
          mount: slashless('KV mount', 'path of the KV v2 engine'),
          path: slashless('Secret', 'its path below the mount'),
        }),
      )
      .max(200)
      .prefault([])
      .meta({ title: 'Certificates', description: 'secrets that certificates may be read from; none unless given' }),
    pkiRoles: z
      .array(
        z.strictObject({
          mount: slashless('PKI mount', 'path of the PKI engine').prefault('pki'),
          role: slashless('Role', 'its name'),
        }),
      )
      .max(50)
      .prefault([])
      .meta({ title: 'PKI roles', description: 'by which certificates may be issued; none unless given' }),
    kvMounts: mounts('KV v2 mounts', 'kv'),
    transitMounts: mounts('Transit mounts', 'transit'),
    deliveries: z
      .array(z.enum(DELIVERIES.map(({ name }) => name)))
      .min(1)
      .prefault(['token'])
      .meta({
        title: 'Delivery',
        description: '`token`: response-wrapped, ended by the server; `password`: user name and password, shown once',
      }),
    wrapTtlSeconds: z
      .number()
      .int()
      .min(30)
      .max(86_400)
      .prefault(900)
      .meta({ title: 'Unopened delivery', description: 'seconds until a credential that nobody collected becomes void' }),
    capabilities: z
      .array(z.enum([...CAPABILITIES, ...FOR_TARGETS, ...NEVER_BUILT]))
      .min(1)
      .transform((names) => names.filter(isCapability))
      .prefault(['discovery', 'grants'])
      .meta({
        title: 'Used for',
        description: 'what the broker may do; the broker’s policy must allow it',
        items: { type: 'string', enum: [...CAPABILITIES] },
      }),
    certificatesAt: z
      .strictObject({ mount: slashless('KV mount', ''), pattern: trimmed, example: trimmed })
      .optional()
      .meta({ deprecated: true, description: 'where a target of distribution has its certificates' }),
    writablePaths: retired(),
    databaseRoles: retired(),
  })
  .superRefine((config, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (config.caPem && config.caFile) refuse(['caFile'], 'must be left out if the CA is given as text')
    // Who chooses the proxy and the CA chooses who reads the file.
    if (config.auth.method === 'jwt') {
      const why = 'cannot be used together with a token file, which is sent only where the daemon’s own settings say'
      if (config.proxy) refuse(['proxy'], `${why}: set HTTPS_PROXY for the daemon instead`)
      if (config.caPem) refuse(['caPem'], `${why}: give the CA as a file instead`)
    }
    if (config.auth.method === 'cert') {
      const { privateKeyPem, certificatePem } = config.auth
      const isRead = privateKeyPem instanceof Secret && isPem(certificatePem) // else it was refused already
      const trouble = isRead && keyTrouble(privateKeyPem, certificatePem)
      if (trouble) refuse(['auth', 'privateKeyPem'], trouble)
    }
    if (config.capabilities.includes('distribution') !== (config.certificatesAt !== undefined))
      refuse(['capabilities'], 'must hold distribution only for targets of distribution')
    if (config.policyName.startsWith(config.policyPrefix))
      refuse(['policyName'], 'must not begin with the prefix of grant policies, because the broker could rewrite it')
    const { policies, policyName, policyPrefix } = config
    policies.forEach((pattern, at) => {
      const beginning = pattern.replace(/\*$/, '')
      const meetsPrefix = beginning.startsWith(policyPrefix) || (pattern.endsWith('*') && policyPrefix.startsWith(beginning))
      if (policyCovers(pattern, policyName)) refuse(['policies', String(at)], 'must not cover the broker’s own policy')
      if (policyCovers(pattern, 'root')) refuse(['policies', String(at)], 'must not cover root')
      if (meetsPrefix) refuse(['policies', String(at)], 'must not cover policies of grants')
    })
    if (config.capabilities.includes('change-policies') && policies.length === 0)
      refuse(['policies'], 'must name at least one policy; otherwise leave change-policies out of the capabilities')
    if (config.capabilities.includes('read-certificates') && config.certificatePaths.length === 0)
      refuse(['certificatePaths'], 'must name at least one secret; otherwise leave read-certificates out of the capabilities')
    if (config.capabilities.includes('issue-certificates') && config.pkiRoles.length === 0)
      refuse(['pkiRoles'], 'must name at least one role; otherwise leave issue-certificates out of the capabilities')
    if (config.auth.method === 'approle' && Boolean(config.auth.secretId) === Boolean(config.auth.wrappedSecretId))
      refuse(['auth', 'secretId'], 'or wrappedSecretId must be given, but not both')
  })

export type VaultConfig = z.infer<typeof vaultConfig>

/** A name, or the beginning of names with a star behind. */
export function policyCovers(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name
}

function isHttpUrl(text: string): boolean {
  // Plain characters only: the address is shown inside commands to paste.
  if (!URL.canParse(text) || !/^[\w.:/[\]-]+$/.test(text)) return false
  const url = new URL(text)
  return /^https?:$/.test(url.protocol)
}

export function isPem(text: string): boolean {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  return blocks.length > 0 && blocks.every(isCertificate)
}

function isCertificate(block: string): boolean {
  try {
    return Boolean(new X509Certificate(block))
  } catch {
    return false
  }
}

/** Why the key cannot be shown together with the first of the certificates. */
export function keyTrouble(pem: Secret, certificates: string): string | undefined {
  let key: KeyObject
  try {
    key = createPrivateKey(pem.reveal())
  } catch {
    return /ENCRYPTED/.test(pem.reveal())
      ? 'is encrypted; give it without a passphrase (it is kept sealed)'
      : 'must be a readable PEM private key'
  }
  return new X509Certificate(certificates).checkPrivateKey(key) ? undefined : 'does not belong to the certificate'
}
