import { BrokerError, type GrantInput } from '../../src/sdk/index.ts'
import { ungrantable, ungrantableKey } from './names.ts'
import { KV_SECRET, type KvPermission, TRANSIT_KEY, type TransitPermission } from './resource-types.ts'

const CAPABILITIES = ['create', 'read', 'update', 'patch', 'delete', 'list'] as const

type Resource = GrantInput['resources'][number]
type Capability = (typeof CAPABILITIES)[number]
type Rule = readonly [path: string, ...capabilities: Capability[]]
interface Effect {
  readonly rules: (mount: string, path: string) => readonly Rule[]
  readonly says: (name: string) => string
}

/** What a grant allows, without the stamps that change with its end: what approvers see and what is written. */
export type PolicyDocument = { readonly path: { readonly [path: string]: { readonly capabilities: readonly Capability[] } } }

export interface PolicyStamp {
  readonly instance: string
  readonly runId: string
  readonly until: Date
}

// Where the server's own powers lie, and the broker's.
const RESERVED = /^(?:sys|identity|auth|cubbyhole)(?:\/|$)/

/** The path whose rule says whose policy it is. Every policy of ours has it. */
export const STAMPED_PATH = 'auth/token/lookup-self'

// The user's token holds no `default` policy; without these two a grantee could neither look at it nor give it up.
const SELF: readonly Rule[] = [
  [STAMPED_PATH, 'read'],
  ['auth/token/revoke-self', 'update'],
]

const KV: Record<KvPermission, Effect> = {
  read: { rules: (mount, path) => [[`${mount}/data/${path}`, 'read']], says: (name) => `read ${name}` },
  write: {
    rules: (mount, path) => [[`${mount}/data/${path}`, 'create', 'update', 'patch']],
    says: (name) => `write ${name}`,
  },
  list: { rules: (mount, path) => [[`${mount}/metadata/${folderOf(path)}`, 'list']], says: (name) => `list ${folderOf(name)}` },
  metadata: { rules: (mount, path) => [[`${mount}/metadata/${path}`, 'read']], says: (name) => `read the metadata of ${name}` },
  delete: {
    rules: (mount, path) => [
      [`${mount}/data/${path}`, 'delete'],
      [`${mount}/delete/${path}`, 'update'],
    ],
    says: (name) => `delete versions of ${name}`,
  },
}

// `update` and never `create`: who may create by encrypting makes keys of any name that is granted.
const TRANSIT: Record<TransitPermission, Effect> = {
  encrypt: transit('encrypt', 'encrypt with'),
  decrypt: transit('decrypt', 'decrypt with'),
  rewrap: transit('rewrap', 'rewrap with'),
  sign: transitWithAlgorithm('sign', 'sign with'),
  verify: transitWithAlgorithm('verify', 'verify with'),
  hmac: transitWithAlgorithm('hmac', 'compute HMACs with'),
  read: { rules: (mount, key) => [[`${mount}/keys/${key}`, 'read']], says: (name) => `read the details of ${name}` },
}

const EFFECTS: Readonly<Record<string, Readonly<Record<string, Effect>>>> = { [KV_SECRET]: KV, [TRANSIT_KEY]: TRANSIT }

/** Exactly what was asked for, or `access.ungrantable` naming the resource for which "exactly" cannot be written. */
export function policyFor(resources: readonly Resource[]): PolicyDocument {
  const rules = new Map<string, Set<Capability>>()
  for (const [path, ...capabilities] of [...resources.flatMap(rulesOf), ...SELF]) {
    rules.set(path, new Set([...(rules.get(path) ?? []), ...capabilities]))
  }
  const document = { path: Object.fromEntries([...rules].map(([path, set]) => [path, { capabilities: [...set] }])) }
  refuseWhatIsNeverGranted(document)
  return document
}

/**
 * The text to store: the document, whose grant it belongs to and, where the server enforces it, its end. Written as JSON because no
 * name can break out of a JSON string, and raw because the server's parser dies of escaped surrogates.
 */
export function policyText(document: PolicyDocument, stamp: PolicyStamp, serverEnds: boolean): string {
  refuseWhatIsNeverGranted(document)
  const end = serverEnds ? { expiration: policyEnd(stamp.until) } : {}
  const comment = `latchkey ${stamp.instance} ${stamp.runId} until ${stamp.until.toISOString()}`
  const stamped = Object.entries(document.path).map(([path, rule]) => [
    path,
    { ...rule, ...end, ...(path === STAMPED_PATH ? { comment } : {}) },
  ])
  return JSON.stringify({ path: Object.fromEntries(stamped) })
}

/**
 * To the millisecond, as the server takes it: a policy that ended a second late would go on with nobody there to remove it, and one that
 * ended a second early would take what was promised.
 */
export function policyEnd(until: Date): string {
  return until.toISOString()
}

/** Rounded up to the second: as earlier versions of the broker wrote it, for grants that live since. */
export function formerPolicyEnd(until: Date): string {
  return new Date(Math.ceil(until.getTime() / 1000) * 1000).toISOString()
}

/** Whose policy this is, or undefined for one that does not bear our stamp. No name can forge it: in JSON its quotes are escaped. */
export function parsePolicyComment(text: string): PolicyStamp | undefined {
  const match = /"comment":"latchkey (\d{10}) (run_[0-9a-z]{26}) until ([0-9TZ:.-]+)"/.exec(text)
  const [, instance, runId, until] = match ?? []
  return instance && runId && until ? { instance, runId, until: new Date(until) } : undefined
}

/** What the grant lets somebody do, for people who do not read policies. */
export function sentenceFor(resources: readonly Resource[]): string {
  const acts = resources.flatMap((resource) =>
    resource.permissions.map((permission) => effectOf(resource, permission).says(resource.name)),
  )
  return `Lets the grantee ${[...new Set(acts)].join(', ')}, and nothing else.`
}

function rulesOf(resource: Resource): readonly Rule[] {
  const { mount, path } = resource.attributes
  if (typeof mount !== 'string' || typeof path !== 'string') throw cannotGrant(resource, 'its mount and path were not discovered')
  // What approvers read must be what is written.
  if (resource.name !== `${mount}/${path}`) throw cannotGrant(resource, `its name differs from its place, ${mount}/${path}`)
  const reason = ungrantable(resource.name) ?? (resource.type === TRANSIT_KEY ? ungrantableKey(path) : undefined)
  if (reason) throw cannotGrant(resource, reason)
  if (RESERVED.test(mount)) throw cannotGrant(resource, `${mount} belongs to the server itself`)
  if (resource.permissions.length === 0) throw cannotGrant(resource, 'no permission was named')
  const impossible = resource.permissions.find((permission) => !keyCan(resource, permission))
  if (impossible)
    throw cannotGrant(resource, `a key of the type ${JSON.stringify(resource.attributes['type'] ?? null)} cannot ${impossible}`)
  return resource.permissions.flatMap((permission) => effectOf(resource, permission).rules(mount, path))
}

// What a key's type can do, as discovery read it. HMACs are made and verified with keys of every type.
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  encrypt: ['supports_encryption'],
  decrypt: ['supports_decryption'],
  rewrap: ['supports_encryption', 'supports_decryption'],
  sign: ['supports_signing'],
}

function keyCan({ type, attributes }: Resource, permission: string): boolean {
  const needed = type === TRANSIT_KEY && Object.hasOwn(NEEDS, permission) ? NEEDS[permission]! : []
  return needed.every((feature) => attributes[feature] !== false)
}

function effectOf(resource: Resource, permission: string): Effect {
  const effects = Object.hasOwn(EFFECTS, resource.type) ? EFFECTS[resource.type] : undefined
  const effect = effects && Object.hasOwn(effects, permission) ? effects[permission] : undefined
  if (!effect) throw cannotGrant(resource, `there is no permission ${permission} on ${resource.type}`)
  return effect
}

/** The last look before anything leaves: whatever went wrong above, or in the journal, the broker does not lend its own reach. */
function refuseWhatIsNeverGranted(document: PolicyDocument): void {
  for (const [path, { capabilities }] of Object.entries(document.path)) {
    if (SELF.some(([self]) => self === path)) continue
    // A folder ends with a slash, so a * before it is not the last character, which alone has power.
    const literal = path.replace(/\/(sign|verify|hmac)\/(\w[\w.-]*)\/\+$/, '/$1/$2').replace(/\/$/, '/name')
    const lendable = capabilities.every((capability) => CAPABILITIES.includes(capability))
    if (RESERVED.test(path) || ungrantable(literal) || !lendable)
      throw new BrokerError('access.ungrantable', `${path} is never granted`)
  }
}

function cannotGrant(resource: Resource, reason: string): BrokerError {
  return new BrokerError('access.ungrantable', `${resource.name} cannot be granted exactly: ${reason}`, {
    field: 'resources',
    fix: 'leave this resource out, or rename it on the server',
  })
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

function transit(verb: string, says: string): Effect {
  return { rules: (mount, key) => [[`${mount}/${verb}/${key}`, 'update']], says: (name) => `${says} ${name}` }
}

/** These verbs take the algorithm as a last segment too. */
function transitWithAlgorithm(verb: string, says: string): Effect {
  return {
    rules: (mount, key) => [
      [`${mount}/${verb}/${key}`, 'update'],
      [`${mount}/${verb}/${key}/+`, 'update'],
    ],
    says: (name) => `${says} ${name}`,
  }
}
