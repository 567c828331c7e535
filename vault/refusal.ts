import type { VaultAnswer, VaultCall } from './call.ts'
import { describeCall, VaultError, type VaultErrorKind } from './errors.ts'

interface Meaning {
  readonly status: number | readonly number[]
  /** a piece of the server's text, lower case; without it the line is the status's default */
  readonly text?: string
  readonly kind: VaultErrorKind
  readonly says: string
  readonly fix?: string
}

/** Every call but the question for its health is refused. */
const SECONDARY: Pick<Meaning, 'kind' | 'says' | 'fix'> = {
  kind: 'standby',
  says: 'the node belongs to a disaster recovery secondary, which serves nothing until it is promoted',
  fix: 'give the address of the primary cluster, or promote this one',
}

/** What the servers mean: the first line that fits an answer names it. Texts are matched on lower-case substrings. */
const MEANINGS: readonly Meaning[] = [
  { status: 400, text: 'check-and-set parameter', kind: 'conflict', says: 'somebody else wrote first' },
  { status: 400, text: 'replication dr secondary', ...SECONDARY },
  { status: 400, text: 'invalid key "expiration"', kind: 'unsupported', says: 'policies cannot expire here' },
  {
    status: 400,
    text: 'wrapping token is not valid',
    kind: 'not_found',
    says: 'the wrapping token was used or has expired',
  },
  ...[
    'invalid role or secret id',
    'invalid username or password',
    'error validating token',
    'invalid role_id',
    'missing role_id',
    'no certificate was matched',
    'invalid certificate or no client certificate',
  ].map((text): Meaning => ({ status: 400, text, kind: 'login_failed', says: 'the login was refused' })),
  {
    status: 400,
    text: 'upgrading from non-versioned',
    kind: 'failed',
    says: 'the KV mount is being upgraded',
    fix: 'wait for the upgrade to end',
  },
  {
    status: 400,
    text: 'waiting for the primary to upgrade',
    kind: 'failed',
    says: 'the KV mount is being upgraded',
    fix: 'wait for the upgrade to end',
  },
  {
    status: 400,
    text: 'failed to revoke',
    kind: 'incomplete',
    says: 'a leased secret could not be revoked',
    fix: 'check whether the system behind the lease (a database) answers',
  },
  { status: 400, text: 'in namespaces', kind: 'namespace', says: 'this call exists only in the root namespace' },
  {
    status: 400,
    text: 'only available in root namespace',
    kind: 'namespace',
    says: 'this call exists only in the root namespace',
  },
  {
    status: 400,
    text: 'vault is not initialized',
    kind: 'uninitialized',
    says: 'the server was never initialised',
    fix: 'run `vault operator init`',
  },
  { status: 400, text: 'lease is not renewable', kind: 'login_failed', says: 'the token cannot be renewed' },
  { status: 400, text: 'cannot be renewed', kind: 'login_failed', says: 'the token cannot be renewed' },
  {
    status: 404,
    text: 'invalid path for a versioned',
    kind: 'unsupported',
    says: 'the mount is KV v2, but was called as v1',
  },
  {
    status: 404,
    text: 'no handler for route',
    kind: 'not_found',
    says: 'nothing is mounted there',
    fix: 'enable the engine or correct the mount path',
  },
  { status: 404, text: 'unsupported path', kind: 'unsupported', says: 'the engine has no such path' },
  {
    status: 404,
    text: 'namespace not found',
    kind: 'namespace',
    says: 'the namespace does not exist',
    fix: 'correct the namespace; Vault Community has none',
  },
  { status: 500, text: 'policies have changed', kind: 'login_failed', says: 'the token cannot be renewed' },
  { status: 500, text: 'past the max ttl', kind: 'login_failed', says: 'the token cannot be renewed' },
  { status: 500, text: 'during renewal', kind: 'login_failed', says: 'the token cannot be renewed' },
  {
    status: 500,
    text: 'active cluster node not found',
    kind: 'standby',
    says: 'the node is a standby and no active node answers',
  },
  ...['is not an allowed role', 'username does not exist', 'exceeds 72 bytes', 'missing password'].map(
    (text): Meaning => ({ status: 500, text, kind: 'invalid', says: 'the input was refused' }),
  ),
  { status: 503, text: 'namespace is sealed', kind: 'sealed', says: 'the namespace is sealed', fix: 'unseal it' },
  { status: 503, text: 'sealed', kind: 'sealed', says: 'the server is sealed', fix: 'unseal it' },
  {
    status: 503,
    text: 'locked',
    kind: 'namespace',
    says: 'the namespace is locked',
    fix: 'an administrator must unlock it',
  },
  { status: 503, text: 'no active', kind: 'standby', says: 'the node is a standby and no active node answers' },
  { status: [400, 413, 415], kind: 'invalid', says: 'the call was refused as malformed' },
  { status: 403, kind: 'denied', says: 'the server refused' },
  { status: 404, kind: 'not_found', says: 'there is no such thing' },
  { status: 405, kind: 'unsupported', says: 'the server does not know this operation' },
  { status: 412, kind: 'standby', says: 'the node has not caught up yet' },
  { status: 429, kind: 'busy', says: 'a rate or lease quota of the server is exhausted', fix: 'raise the quota, or wait' },
  { status: 472, ...SECONDARY },
  {
    status: 473,
    kind: 'standby',
    says: 'the node is a performance standby that cannot serve this by itself',
    fix: 'look whether it reaches the active node of its cluster, or give the address of that one',
  },
  {
    status: 474,
    kind: 'standby',
    says: 'the node is a standby that does not reach the active node of its cluster',
    fix: 'restore the connection between the nodes, or give the address of a node that serves',
  },
  {
    status: 530,
    kind: 'standby',
    says: 'the node was removed from its cluster',
    fix: 'give the address of a node that belongs to the cluster',
  },
  { status: 501, kind: 'uninitialized', says: 'the server was never initialised', fix: 'run `vault operator init`' },
  { status: [500, 502, 503, 504], kind: 'failed', says: 'the server reported a fault of its own' },
]

/** The error that an answer means. `fix` says how to get the missing capability, when that is what is missing. */
export function refusal(call: VaultCall, answer: VaultAnswer, deniedFix?: string): VaultError {
  // `sys/health` says so in its body, and has no errors.
  const isSealed = answer.status === 503 && answer.body['sealed'] === true
  const text = [...answer.errors, ...answer.warnings, ...(isSealed ? ['sealed'] : [])].join('; ').toLowerCase()
  const meaning = MEANINGS.find(
    (line) => [line.status].flat().includes(answer.status) && (line.text === undefined || text.includes(line.text)),
  )
  const kind = meaning?.kind ?? 'unexpected'
  const said = inShort(answer.errors)
  return new VaultError(
    kind,
    `${describeCall(call)} answered ${answer.status}: ${versionState(answer) ?? meaning?.says ?? 'an answer this server should not give'}${said && ` (${said})`}`,
    {
      status: answer.status,
      requestId: answer.requestId,
      errors: answer.errors,
      fix: kind === 'denied' ? deniedFix : meaning?.fix,
    },
  )
}

function versionState(answer: VaultAnswer): string | undefined {
  const metadata = answer.status === 404 ? answer.data['metadata'] : undefined
  if (typeof metadata !== 'object' || metadata === null) return undefined
  return 'destroyed' in metadata && metadata.destroyed === true ? 'the version is destroyed' : 'the version is deleted'
}

function inShort(errors: readonly string[]): string {
  const text = errors
    .join('; ')
    .replace(/\d+ errors? occurred:\s*/g, '')
    .replace(/[\s*]+/g, ' ')
    .trim()
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}
