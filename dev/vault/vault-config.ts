import path from 'node:path'
import type { Product } from './vault-binary.ts'

export interface ServerPlan {
  readonly product: Product
  /** `raft` keeps its data in `folder`; `dev` keeps it in memory */
  readonly mode: 'raft' | 'dev'
  readonly folder: string
  readonly port: number
  readonly tls: boolean
  readonly audit: boolean
  /** as a server once was that holds names which others refuse */
  readonly takesAnyName?: boolean
  /** as a node of a cluster; `joins` is the address of one that is there */
  readonly node?: { readonly id: string; readonly joins?: string }
}

export const files = (folder: string) => ({
  config: path.join(folder, 'server.hcl'),
  data: path.join(folder, 'data'),
  audit: path.join(folder, 'audit.jsonl'),
  log: path.join(folder, 'server.log'),
  keys: path.join(folder, 'keys.json'),
  ca: path.join(folder, 'vault-ca.pem'),
  certificate: path.join(folder, 'vault-cert.pem'),
  privateKey: path.join(folder, 'vault-key.pem'),
})

export function addressOf(plan: Pick<ServerPlan, 'tls' | 'port'>): string {
  return `${plan.tls ? 'https' : 'http'}://127.0.0.1:${plan.port}`
}

/** The file the server is started with. Listens on `port`, and on the next one for its cluster. */
export function serverConfig(plan: ServerPlan): string {
  const at = files(plan.folder)
  const tls = plan.tls ? [`tls_cert_file = ${q(at.certificate)}`, `tls_key_file = ${q(at.privateKey)}`] : ['tls_disable = true']
  const cluster = `127.0.0.1:${plan.port + 1}`
  return [
    ...(plan.mode === 'dev'
      ? ['storage "inmem" {', '}']
      : block('storage "raft"', [
          `path = ${q(at.data)}`,
          `node_id = ${q(plan.node?.id ?? 'node-1')}`,
          'performance_multiplier = 1',
          ...(plan.node?.joins
            ? block('retry_join', [`leader_api_addr = ${q(plan.node.joins)}`, `leader_ca_cert_file = ${q(at.ca)}`])
            : []),
        ])),
    ...block('listener "tcp"', [`address = "127.0.0.1:${plan.port}"`, `cluster_address = "${cluster}"`, ...tls]),
    ...(plan.takesAnyName ? ['disable_printable_check = true'] : []),
    `api_addr = ${q(addressOf(plan))}`,
    `cluster_addr = "https://${cluster}"`,
    // Vault takes an audit device by its API only, OpenBao by its file only; and only Vault still locks its memory.
    ...(plan.product === 'vault' ? ['disable_mlock = true'] : []),
    ...(plan.product === 'openbao' && plan.audit
      ? block('audit "file" "file"', block('options', [`file_path = ${q(at.audit)}`]))
      : []),
    '',
  ].join('\n')
}

function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...lines.map((line) => `  ${line}`), '}']
}

const q = (text: string) => JSON.stringify(text)
