import type { VaultConfig } from './config.ts'

/** Makes the audit log show the id that the broker sends with each call; Vault does so by itself, OpenBao when it is told. */
export const AUDIT_COMMAND = 'vault write sys/config/auditing/request-headers/x-correlation-id hmac=false'

/** A user of such a mount has one password for minutes, and 256 bits nobody guesses: lock-out protects nothing there. */
export function lockOutCommand(mount: string): string {
  return `vault auth tune -user-lockout-disable=true ${mount}`
}

/** What an administrator pastes once, in order; `bao` takes the same. Every name has passed the configuration's patterns. */
export function setupCommands(config: VaultConfig, document: string): string[] {
  const { policyName, userpassMount, auth } = config
  return [
    ...environment(config),
    `vault policy write ${policyName} - <<'POLICY'\n${document}\nPOLICY`,
    ...(config.capabilities.includes('grants') ? [enable('userpass', userpassMount), lockOutCommand(userpassMount)] : []),
    // Only the root namespace has an audit log.
    ...(config.capabilities.includes('grants')
      ? [config.namespace ? `VAULT_NAMESPACE=root BAO_NAMESPACE=root ${AUDIT_COMMAND}` : AUDIT_COMMAND]
      : []),
    ...loginCommands(auth.method, 'mount' in auth ? auth.mount : '', policyName),
  ]
}

// OpenBao's command reads BAO_…, and VAULT_… where that is unset; of either, what lies about would lead to another server or namespace.
function environment({ address, namespace }: VaultConfig): string[] {
  const settings = { ADDR: address, ...(namespace && { NAMESPACE: namespace }) }
  const leftOver = [...(namespace ? [] : ['NAMESPACE']), 'FORMAT', 'WRAP_TTL', 'AGENT_ADDR']
  const inBoth = (words: (prefix: string) => string[]) => ['VAULT', 'BAO'].flatMap(words).join(' ')
  return [
    `export ${inBoth((prefix) => Object.entries(settings).map(([name, value]) => `${prefix}_${name}='${value}'`))}`,
    `unset ${inBoth((prefix) => leftOver.map((name) => `${prefix}_${name}`))}`,
  ]
}

function loginCommands(method: VaultConfig['auth']['method'], mount: string, policy: string): string[] {
  const role = `auth/${mount}/role/${policy}`
  const life = 'token_ttl=60m token_max_ttl=4h token_no_default_policy=true token_type=service'
  switch (method) {
    case 'approle':
      return [
        enable('approle', mount),
        `vault write ${role} token_policies=${policy} ${life}`,
        `role_id="$(vault read -field=role_id ${role}/role-id)"`,
        `wrapping_token="$(vault write -wrap-ttl=30m -field=wrapping_token -f ${role}/secret-id)"`,
        `printf 'role ID: %s\\nwrapping token: %s\\n' "$role_id" "$wrapping_token"`,
      ]
    case 'token':
      return [`vault token create -orphan -policy=${policy} -no-default-policy -period=24h -field=token`]
    case 'jwt':
      return [
        enable('jwt', mount),
        `vault write ${role} role_type=jwt user_claim=sub bound_audiences=vault token_policies=${policy} ${life}`,
      ]
    case 'cert':
      return [
        enable('cert', mount),
        `vault write auth/${mount}/certs/${policy} certificate=@broker.pem token_policies=${policy} ${life}`,
      ]
  }
}

// A second integration finds the login method there, and must not end a script by that.
function enable(method: string, mount: string): string {
  return `vault auth list -format=json | grep -qF '"${mount}/":' || vault auth enable -path=${mount} ${method}`
}
