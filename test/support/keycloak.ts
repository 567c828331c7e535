import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fetchKeycloak } from '../../dev/idp/keycloak-fetch.ts'
import { freePort } from '../../dev/vault/free-port.ts'
import { ended, spawnLeashed } from '../../dev/vault/vault-leash.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'

type Json = Record<string, unknown>

/** A real Keycloak in development mode on the loopback, with one realm. */
export interface Keycloak {
  readonly issuer: string
  /** the admin API of the realm; answers what it was answered, and throws when it was refused */
  // biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects of the body
  admin(method: string, path: string, body?: unknown): Promise<any>
  /** by name, of what lists by name */
  idOf(what: 'users' | 'groups' | 'clients', name: string): Promise<string>
  /** form-encoded, at the token endpoint */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  token(form: Record<string, string>): Promise<any>
  close(): Promise<void>
}

const REALM = 'acme'
export const PASSWORD = 'a password of the tests'
/** It builds itself at its first start: a minute on a machine that does nothing else. */
const START_MS = 600_000

export async function startKeycloak(): Promise<Keycloak> {
  const folder = await fetchKeycloak((line) => void process.stderr.write(`${line}\n`))
  const home = await mkdtemp(path.join(tmpdir(), 'lk-keycloak-'))
  await cp(folder, home, { recursive: true })
  const [port, management] = [await freePort(), await freePort()]
  const child = spawnLeashed(
    path.join(home, 'bin/kc.sh'),
    ['start-dev', '--db=dev-mem', '--http-host=127.0.0.1', `--http-port=${port}`, `--http-management-port=${management}`],
    {
      env: {
        ...process.env,
        KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
        KC_BOOTSTRAP_ADMIN_PASSWORD: PASSWORD,
        JAVA_OPTS_APPEND: '-Xmx512m',
      },
      output: 'pipe',
      folder: home,
    },
  )
  const said: string[] = []
  for (const output of [child.stdout, child.stderr]) output?.on('data', (chunk) => void said.push(String(chunk)))
  const url = `http://127.0.0.1:${port}`
  const close = async () => {
    child.kill('SIGKILL')
    await ended(child)
    await rm(home, { recursive: true, force: true })
  }
  try {
    await waitFor(
      'Keycloak to be ready',
      async () => {
        if (child.exitCode !== null) throw new Error(`Keycloak ended: ${said.slice(-20).join('')}`)
        const answer = await fetch(`${url}/realms/master/.well-known/openid-configuration`).catch(() => undefined)
        await answer?.arrayBuffer()
        return answer?.status === 200
      },
      START_MS,
    )
    const keycloak = await controlled(url, close)
    await makeRealm(keycloak)
    return keycloak
  } catch (error) {
    await close()
    throw error
  }
}

async function controlled(url: string, close: () => Promise<void>): Promise<Keycloak> {
  const admin: Keycloak['admin'] = async (method, where, body) => {
    const token = await posted(`${url}/realms/master/protocol/openid-connect/token`, {
      grant_type: 'password',
      client_id: 'admin-cli',
      username: 'admin',
      password: PASSWORD,
    })
    const answer = await fetch(`${url}/admin/realms${where === '' ? '' : `/${REALM}${where === '/' ? '' : where}`}`, {
      method,
      headers: { authorization: `Bearer ${token.access_token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`Keycloak answered ${answer.status} to ${method} ${where}: ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  const issuer = `${url}/realms/${REALM}`
  const queries = { users: 'exact=true&username', groups: 'exact=true&search', clients: 'clientId' }
  return {
    issuer,
    admin,
    idOf: async (what, name) => {
      const [found] = await admin('GET', `/${what}?${queries[what]}=${encodeURIComponent(name)}`)
      return found.id
    },
    token: (form) => posted(`${issuer}/protocol/openid-connect/token`, form),
    close,
  }
}

// biome-ignore lint/suspicious/noExplicitAny: as above
async function posted(url: string, form: Record<string, string>): Promise<any> {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
  return answer.json()
}

/** As docs/integrations/identity-provider.md tells an administrator, but for the redirect URIs, which come with the broker. */
async function makeRealm({ admin }: Keycloak): Promise<void> {
  await admin('POST', '', {
    realm: REALM,
    enabled: true,
    sslRequired: 'none',
    // Each refresh token is good for one use.
    revokeRefreshToken: true,
    refreshTokenMaxReuse: 0,
  })
  const profile = await admin('GET', '/users/profile')
  await admin('PUT', '/users/profile', { ...profile, unmanagedAttributePolicy: 'ADMIN_EDIT' })
  await admin('POST', '/client-scopes', {
    name: 'latchkey',
    protocol: 'openid-connect',
    attributes: { 'include.in.token.scope': 'false' },
    protocolMappers: [
      mapper('groups', 'oidc-group-membership-mapper', { 'claim.name': 'groups', 'full.path': 'true' }),
      ...['department', 'manager'].map((name) =>
        mapper(name, 'oidc-usermodel-attribute-mapper', {
          'claim.name': name,
          'user.attribute': name,
          'jsonType.label': 'String',
        }),
      ),
    ],
  })
}

export function mapper(name: string, kind: string, config: Json): Json {
  const everywhere = { 'id.token.claim': 'true', 'access.token.claim': 'true', 'userinfo.token.claim': 'true' }
  return { name, protocol: 'openid-connect', protocolMapper: kind, config: { ...everywhere, ...config } }
}
