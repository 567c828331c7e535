import type { VaultFeatures, VaultSettings } from '../client.ts'
import type { PolicyDocument } from '../policy.ts'
import { shellWord } from '../shell-word.ts'
import type { GrantUser } from './grant-user.ts'

interface Lent {
  readonly settings: VaultSettings
  readonly features: VaultFeatures
  readonly user: GrantUser
  readonly document: PolicyDocument
}

/** What is pasted into a shell: what makes it ready, and what to do then. */
export interface Usage {
  readonly prepare: string[]
  readonly usage: string[]
}

/**
 * Commands for a response-wrapped token; the shell variable is the credential's field. A token reaches no command's arguments, which
 * every user of the machine may list, and a token that lies about in the home or the environment of the reader does not get in the way.
 */
export function tokenUsage(lent: Lent): Usage {
  const { command, TOKEN, ADDR } = dialectOf(lent)
  return {
    prepare: [...environment(lent), `${TOKEN}="$(${TOKEN}="$wrapping_token" ${command} unwrap -field=token)"`, `export ${TOKEN}`],
    usage: [
      ...examples(lent),
      `# instead of ${command} unwrap: ${curl('wrapping_token', '-X POST', lent)} "$${ADDR}/v1/sys/wrapping/unwrap"`,
    ],
  }
}

/** Commands for a user name and password. The password goes in by standard input, so that no list of processes shows it. */
export function passwordUsage(lent: Lent): Usage {
  const { command, TOKEN } = dialectOf(lent)
  const { mount, username } = lent.user
  const login = `${command} login -method=userpass -path=${shellWord(mount)} -no-store -token-only username=${username} password=-`
  return {
    prepare: [...environment(lent), `${TOKEN}="$(printf %s "$password" | ${login})"`, `export ${TOKEN}`],
    usage: examples(lent),
  }
}

// OpenBao's command reads BAO_…, and VAULT_… where that is unset: what was left over of either would get in the way.
function dialectOf({ features }: Pick<Lent, 'features'>) {
  const [command, prefix] =
    features.policyExpiration || features.policyCas ? (['bao', 'BAO'] as const) : (['vault', 'VAULT'] as const)
  return {
    command,
    ADDR: `${prefix}_ADDR`,
    TOKEN: `${prefix}_TOKEN`,
    NAMESPACE: `${prefix}_NAMESPACE`,
    prefixes: [...new Set([prefix, 'VAULT'])],
  }
}

function environment(lent: Lent): string[] {
  const { ADDR, NAMESPACE, prefixes } = dialectOf(lent)
  const { address, namespace } = lent.settings
  // Each of these would change what a command asks or answers: another namespace or server, wrapped, as JSON.
  const leftOver = [...(namespace ? [] : ['NAMESPACE']), 'WRAP_TTL', 'FORMAT', 'AGENT_ADDR', 'PROXY_ADDR']
  return [
    `unset ${prefixes.flatMap((prefix) => leftOver.map((name) => `${prefix}_${name}`)).join(' ')}`,
    `export ${ADDR}=${shellWord(address)}`,
    ...(namespace ? [`export ${NAMESPACE}=${shellWord(namespace)}`] : []),
  ]
}

/** One for each thing that was lent. What changes something, or needs something of the reader's, is a comment. */
function examples(lent: Lent): string[] {
  const { command, TOKEN, ADDR } = dialectOf(lent)
  const { path: paths } = lent.document
  const rules = Object.entries(paths).filter(([path]) => !path.startsWith('auth/token/') && !path.endsWith('/+'))
  return rules.flatMap(([path, { capabilities }]) => {
    const at = shellWord(path)
    const can = (capability: (typeof capabilities)[number]) => capabilities.includes(capability)
    const http = (token: string, options: string) => `${curl(token, options, lent)} "$${ADDR}/v1/"${shellWord(encoded(path))}`
    if (path !== path.trim()) {
      // The command line trims its arguments.
      return can('read') ? [http(TOKEN, '')] : []
    }
    const verb = path.split('/').at(-2) ?? ''
    const isOfDeletion = paths[path.replace('/delete/', '/data/')]?.capabilities.includes('delete') && path.includes('/delete/')
    return [
      ...(can('read') ? [`${command} read ${at}`, `# or: ${http(TOKEN, '')}`] : []),
      ...(can('list') ? [`${command} list ${at}`] : []),
      ...(can('create') ? [`# to write a version, given as {"data":{…}} in a file: ${command} write ${at} @secret.json`] : []),
      ...(can('delete') ? [`# to delete the newest version: ${command} delete ${at}`] : []),
      ...(isOfDeletion ? [`# to delete other versions: ${command} write ${at} versions=1`] : []),
      ...(can('update') && !can('create') && !isOfDeletion ? transitExample(`${command} write ${at}`, verb) : []),
    ]
  })
}

function transitExample(write: string, verb: string): string[] {
  const input = 'input="$(printf %s hello | base64)"'
  switch (verb) {
    case 'encrypt':
      return [`# to encrypt: ${write} plaintext="$(printf %s hello | base64)"`]
    case 'decrypt':
      return [`# to decrypt: ${write} ciphertext="$ciphertext"`]
    case 'rewrap':
      return [`# to rewrap: ${write} ciphertext="$ciphertext"`]
    case 'sign':
      return [`# to sign: ${write} ${input}`]
    case 'verify':
      return [`# to verify: ${write} ${input} signature="$signature"`]
    case 'hmac':
      return [`# to compute an HMAC: ${write} ${input}`]
  }
  return []
}

function curl(token: string, options: string, lent: Lent): string {
  const { NAMESPACE } = dialectOf(lent)
  const namespace = lent.settings.namespace ? ` -H "X-Vault-Namespace: $${NAMESPACE}"` : ''
  return `printf 'X-Vault-Token: %s' "$${token}" | curl --fail${options ? ` ${options}` : ''} -H @-${namespace}`
}

function encoded(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
