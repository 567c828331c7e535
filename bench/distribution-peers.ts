import { createPrivateKey, X509Certificate } from 'node:crypto'
import { authorityReady } from '../dev/vault/vault-authority.ts'
import type { VaultServer } from '../dev/vault/vault-server.ts'
import { keyValueReady } from '../dev/vault/vault-setup.ts'
import { Caller } from './caller.ts'

export interface Role {
  readonly roleId: string
  readonly secretId: string
}

interface BenchCertificate {
  readonly cn: string
  /** for `POST /api/certificates` */
  readonly body: { readonly name: string; readonly certificate: string; readonly chain: string; readonly privateKey: string }
}

/** Of the server's own PKI. */
export async function issued({ api }: VaultServer, cn: string): Promise<BenchCertificate> {
  const { body } = await api('POST', 'pki/issue/bench', { common_name: cn, ttl: '6h' })
  const { certificate, private_key: privateKey, issuing_ca: chain } = body.data
  const pem = (text: string) => `${text.trim()}\n`
  return { cn, body: { name: cn, certificate: pem(certificate), chain: pem(chain), privateKey: pem(privateKey) } }
}

const RIGHTS: Readonly<Record<string, readonly string[]>> = {
  'secret/data/certs/*': ['create', 'read', 'update'],
  'secret/metadata/certs/*': ['read'],
  'secret/delete/certs/*': ['update'],
  'secret/config': ['read'],
  'auth/token/lookup-self': ['read'],
  'auth/token/renew-self': ['update'],
  'auth/token/revoke-self': ['update'],
  'sys/capabilities-self': ['update'],
}

/** As the guide for distribution says. */
export async function preparedForCertificates({ api }: VaultServer): Promise<Role> {
  await api('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
  await keyValueReady(api, 'secret')
  await authorityReady({ api }, { ttl: '24h', roles: { bench: { allow_any_name: true, key_type: 'ec', max_ttl: '12h' } } })
  await api('POST', 'sys/auth/approle', { type: 'approle' })
  const path = Object.fromEntries(Object.entries(RIGHTS).map(([name, capabilities]) => [name, { capabilities }]))
  await api('PUT', 'sys/policies/acl/bench-certs', { policy: JSON.stringify({ path }) })
  await api('POST', 'auth/approle/role/bench', {
    token_ttl: '1h',
    token_no_default_policy: true,
    token_policies: ['bench-certs'],
  })
  const roleId: string = (await api('GET', 'auth/approle/role/bench/role-id')).body.data.role_id
  const secretId: string = (await api('POST', 'auth/approle/role/bench/secret-id')).body.data.secret_id
  return { roleId, secretId }
}

interface Stored {
  readonly data?: { readonly certificate?: string; readonly private_key?: string } | null
  readonly metadata?: { readonly version?: number }
}

/** What is wrong with what stands at a target; undefined: nothing. */
export function unlike(now: Stored | undefined, wanted: BenchCertificate | undefined): string | undefined {
  if (!wanted) return now?.data ? 'has a certificate that it cannot have' : undefined
  if (!now?.data) return 'has no certificate'
  if (now.metadata?.version !== 1) return `was written ${now.metadata?.version} times`
  const { certificate = '', private_key: key = '' } = now.data
  const there = new X509Certificate(certificate)
  if (there.fingerprint256 !== new X509Certificate(wanted.body.certificate).fingerprint256) return 'has another certificate'
  return there.checkPrivateKey(createPrivateKey(key)) ? undefined : 'has another key'
}

interface Place {
  readonly path: string
  readonly is: 'healthy' | 'refusing' | 'hanging'
  readonly address: string
}

/** What a script does: for each target a login, a look, a write with check-and-set and a look; then the next. No journal. */
export async function sentOneAfterAnother(
  server: VaultServer,
  role: Role,
  places: readonly Place[],
  patienceMs: number,
): Promise<{ took: number; healthy: number[] }> {
  const made = await issued(server, `alone${Date.now()}.example.com`)
  const { certificate, privateKey, chain } = made.body
  const data = { certificate, private_key: privateKey, chain, fullchain: certificate + chain }
  const callers = new Map<string, Caller>()
  const callerOf = (address: string) => {
    const caller = callers.get(address) ?? Caller.to(address, {})
    callers.set(address, caller)
    return caller
  }
  const began = performance.now()
  const healthy: number[] = []
  for (const { path, is, address } of places) {
    const sent = sendOne(callerOf(address), role, `/v1/secret/data/${path}/${made.cn}`, data)
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(() => reject(new Error('it did not answer')), patienceMs).unref()
    })
    const failure = await Promise.race([sent, late]).then(
      () => undefined,
      (error: unknown) => error,
    )
    if ((failure === undefined) !== (is === 'healthy')) throw new Error(`void: ${path}: ${String(failure)}`, { cause: failure })
    if (is === 'healthy') healthy.push(performance.now() - began)
  }
  const took = performance.now() - began
  await Promise.all([...callers.values()].map((caller) => caller.close()))
  for (const { path, is } of places) {
    const { body } = await server.api('GET', `secret/data/${path}/${made.cn}`)
    const flaw = unlike(body?.data, is === 'healthy' ? made : undefined)
    if (flaw) throw new Error(`void: ${path} ${flaw}`)
  }
  return { took, healthy }
}

async function sendOne(caller: Caller, { roleId, secretId }: Role, url: string, data: object): Promise<void> {
  const { auth } = await caller.must('POST', '/v1/auth/approle/login', { role_id: roleId, secret_id: secretId })
  const token = { 'x-vault-token': String(auth.client_token) }
  const before = await caller.send('GET', url, undefined, token)
  const cas: number = before.body?.data?.metadata?.version ?? 0
  await caller.must('POST', url, { options: { cas }, data }, token)
  const after = await caller.must('GET', url, undefined, token)
  const isSame = Object.entries(data).every(([key, value]) => after.data.data[key] === value)
  if (!isSame) throw new Error('what was read back is not what was written')
  await caller.must('POST', '/v1/auth/token/revoke-self', undefined, token)
}
