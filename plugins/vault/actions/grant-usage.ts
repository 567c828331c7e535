import type { VaultSettings } from '../client/client.ts'
import type { PolicyDocument } from '../policy.ts'
import type { GrantUser } from './grant-user.ts'

/** Commands for a response-wrapped token; the shell variable is the credential's field. */
export function tokenUsage(settings: VaultSettings, document: PolicyDocument): string[] {
  return [
    ...environment(settings),
    `export VAULT_TOKEN="$(vault unwrap -field=token "$wrapping_token")"`,
    ...examples(document),
    `curl --fail -X POST -H "X-Vault-Token: $wrapping_token"${namespaceHeader(settings)} "$VAULT_ADDR/v1/sys/wrapping/unwrap"`,
  ]
}

/** Commands for a user name and password. The password goes in by standard input, so that no list of processes shows it. */
export function passwordUsage(settings: VaultSettings, user: GrantUser, document: PolicyDocument): string[] {
  const login = `vault login -method=userpass -path=${quoted(user.mount)} -token-only username=${user.username} password=-`
  return [...environment(settings), `export VAULT_TOKEN="$(printf %s "$password" | ${login})"`, ...examples(document)]
}

function environment(settings: VaultSettings): string[] {
  // `bao` reads the same variables and takes the same commands.
  return [
    `export VAULT_ADDR=${quoted(settings.address)}`,
    ...(settings.namespace ? [`export VAULT_NAMESPACE=${quoted(settings.namespace)}`] : []),
  ]
}

function examples(document: PolicyDocument): string[] {
  const lent = Object.entries(document.path).filter(([path]) => !path.startsWith('auth/token/'))
  const read = lent.find(([, { capabilities }]) => capabilities.includes('read'))?.[0]
  const list = lent.find(([, { capabilities }]) => capabilities.includes('list'))?.[0]
  return [
    ...(read
      ? [`vault read ${quoted(read)}`, `curl --fail -H "X-Vault-Token: $VAULT_TOKEN" "$VAULT_ADDR/v1/"${quoted(encoded(read))}`]
      : []),
    ...(list ? [`vault list ${quoted(list)}`] : []),
  ]
}

function namespaceHeader(settings: VaultSettings): string {
  return settings.namespace ? ' -H "X-Vault-Namespace: $VAULT_NAMESPACE"' : ''
}

function encoded(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

function quoted(text: string): string {
  return /^[\w./:@%-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
