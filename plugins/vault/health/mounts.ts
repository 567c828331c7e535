import type { HealthCheck } from '../../../src/sdk/index.ts'
import { batchTokens } from '../actions/grant-login.ts'
import type { VaultConnection } from '../connection.ts'
import { unreachedInWords } from '../discovery.ts'
import { type AuthMount, type Mount, readMounts, unreachedMounts } from '../mounts.ts'
import { sending } from '../send.ts'
import { lockOutCommand } from '../setup-commands.ts'

const SHORT_LEASE_SECONDS = 3600

/** The mounts that the configuration names or `all` finds: there, of the right kind, and KV in version 2. */
export async function mountChecks(client: VaultConnection, signal: AbortSignal): Promise<HealthCheck[]> {
  const { secret, auth } = await readMounts(sending(client, signal, 'background'))
  const { kvMounts, transitMounts, userpassMount, capabilities, certificatesAt } = client.config
  if (certificatesAt) return kvChecks(secret, [certificatesAt.mount])
  const unreached = kvMounts === 'all' || transitMounts === 'all' ? await unreachedChecks(client, secret, signal) : []
  return [
    ...(capabilities.includes('discovery')
      ? [...kvChecks(secret, kvMounts), ...transitChecks(secret, transitMounts), ...unreached]
      : []),
    ...(capabilities.includes('grants') ? userpassChecks(auth.get(userpassMount), userpassMount) : []),
  ]
}

/** What `all` promises and the policy does not reach. */
async function unreachedChecks(client: VaultConnection, reached: readonly Mount[], signal: AbortSignal): Promise<HealthCheck[]> {
  const { kvMounts, transitMounts } = client.config
  const unreached = await unreachedMounts(sending(client, signal, 'background'), reached)
  return unreached
    .filter(({ kind }) => (kind === 'kv' ? kvMounts : transitMounts) === 'all')
    .map((mount) => ({
      name: `mount ${mount.path}`,
      status: 'warning',
      detail: unreachedInWords(mount),
      fix: `name every mount in ${mount.kind === 'kv' ? 'kvMounts' : 'transitMounts'}, including ${mount.path}`,
    }))
}

function kvChecks(engines: readonly Mount[], wanted: readonly string[] | 'all'): HealthCheck[] {
  if (wanted !== 'all') {
    return wanted.map((path) => {
      const mount = engines.find((each) => each.path === path)
      if (mount?.kind === 'kv') return fine(path, 'KV v2')
      if (mount?.kind === 'kv-v1') return versionOne(path, 'failed')
      return absent(path, 'KV', mount, `vault secrets enable -path=${path} -version=2 kv`)
    })
  }
  const old = engines.filter(({ kind }) => kind === 'kv-v1').map(({ path }) => versionOne(path, 'warning'))
  const found = engines.filter(({ kind }) => kind === 'kv').length
  return [{ name: 'KV mounts', status: 'ok', detail: `${found} KV v2 mounts are visible` }, ...old]
}

function transitChecks(engines: readonly Mount[], wanted: readonly string[] | 'all'): HealthCheck[] {
  if (wanted !== 'all') {
    return wanted.map((path) => {
      const mount = engines.find((each) => each.path === path)
      return mount?.kind === 'transit'
        ? fine(path, 'Transit')
        : absent(path, 'Transit', mount, `vault secrets enable -path=${path} transit`)
    })
  }
  const found = engines.filter(({ kind }) => kind === 'transit').length
  return [{ name: 'Transit mounts', status: 'ok', detail: `${found} Transit mounts are visible` }]
}

function userpassChecks(mount: AuthMount | undefined, path: string): HealthCheck[] {
  const checks = [userpassCheck(mount, path)]
  if (mount?.type === 'userpass') checks.push(lockOutCheck(mount, path))
  return checks
}

function lockOutCheck({ isLockOutOff }: AuthMount, path: string): HealthCheck {
  const name = `lock-out at auth/${path}`
  if (isLockOutOff) return { name, status: 'ok', detail: 'off' }
  return {
    name,
    status: 'warning',
    detail: `anybody who reaches the server can lock a temporary user out with wrong passwords at auth/${path}; its grant then cannot be opened for 15 minutes`,
    fix: lockOutCommand(path),
  }
}

function userpassCheck(mount: AuthMount | undefined, path: string): HealthCheck {
  const name = `mount auth/${path}`
  if (mount?.type !== 'userpass') {
    return {
      name,
      status: 'failed',
      detail: mount
        ? `auth/${path} is ${mount.type}, not userpass`
        : `there is no auth/${path}, or the broker’s policy does not reach it`,
      fix: mount ? 'choose another path for the userpass mount' : `vault auth enable -path=${path} userpass`,
    }
  }
  if (mount.tokenType === 'batch') {
    const { message, fix } = batchTokens(path)
    return { name, status: 'failed', detail: message, fix }
  }
  const longest = mount.maxLeaseSeconds
  if (longest > 0 && longest < SHORT_LEASE_SECONDS) {
    return {
      name,
      status: 'warning',
      detail: `auth/${path} ends every login after ${longest} s, so a longer grant would end early`,
      fix: `vault auth tune -max-lease-ttl=24h ${path}`,
    }
  }
  return {
    name,
    status: 'ok',
    detail: `userpass; grants may last up to ${longest > 0 ? `${longest} s` : 'the system’s maximum'}`,
  }
}

const fine = (path: string, kind: string): HealthCheck => ({ name: `mount ${path}`, status: 'ok', detail: kind })

function absent(path: string, kind: string, mount: Mount | undefined, fix: string): HealthCheck {
  const detail = mount
    ? `${path} is ${mount.type}, not ${kind}`
    : `there is no mount ${path}, or the broker’s policy does not reach it`
  return { name: `mount ${path}`, status: 'failed', detail, fix: mount ? 'correct the path of the mount' : fix }
}

function versionOne(path: string, status: 'failed' | 'warning'): HealthCheck {
  const detail = `${path} is KV v1, which keeps no versions and is not supported`
  return { name: `mount ${path}`, status, detail, fix: `vault kv enable-versioning ${path}, or name only KV v2 mounts` }
}
