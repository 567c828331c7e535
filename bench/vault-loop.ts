import { hash } from '@node-rs/bcrypt'
import type { VaultServer } from '../dev/vault/vault-server.ts'
import { waitFor } from '../dev/vault/vault-wait.ts'
import { Caller } from './caller.ts'
import { atOnce } from './run.ts'

const POLICY = JSON.stringify({ path: { 'kv/data/app/s-0': { capabilities: ['read'] } } })
export const PROBED = '/v1/kv/data/app/s-0'

/** What a careful script without a broker would do: the same calls, as root, with nothing written down. */
export class VaultLoop {
  readonly caller: Caller
  private accessor = ''

  constructor(vault: Pick<VaultServer, 'address' | 'rootToken'>) {
    this.caller = Caller.to(vault.address, { 'x-vault-token': vault.rootToken, 'x-vault-request': 'true' })
  }

  async prepare(): Promise<void> {
    await this.caller.must('POST', '/v1/sys/auth/bench', { type: 'userpass' })
    const { data } = await this.caller.must('GET', '/v1/sys/auth')
    this.accessor = data['bench/'].accessor
  }

  /** Twenty secrets to lend. */
  async fill(): Promise<void> {
    await waitFor('kv to be ready', async () => (await this.caller.send('GET', '/v1/kv/config')).status === 200)
    for (let i = 0; i < 20; i += 1) await this.caller.must('POST', `/v1/kv/data/app/s-${i}`, { data: { value: 'orange' } })
  }

  writePolicy(name: string): Promise<unknown> {
    return this.caller.must('PUT', `/v1/sys/policies/acl/${name}`, { policy: POLICY })
  }

  deletePolicy(name: string): Promise<unknown> {
    return this.caller.must('DELETE', `/v1/sys/policies/acl/${name}`)
  }

  writeUser(name: string, secret: { password: string } | { password_hash: string }): Promise<unknown> {
    const limits = { token_ttl: 3600, token_max_ttl: 3600, token_explicit_max_ttl: 3600, token_no_default_policy: true }
    return this.caller.must('POST', `/v1/auth/bench/users/${name}`, { ...secret, ...limits, token_policies: name })
  }

  async logIn(name: string, password: string): Promise<string> {
    const { auth } = await this.caller.must('POST', `/v1/auth/bench/login/${name}`, { password })
    return auth.client_token
  }

  logInWrapped(name: string, password: string): Promise<unknown> {
    return this.caller.must('POST', `/v1/auth/bench/login/${name}`, { password }, { 'x-vault-wrap-ttl': '300' })
  }

  /** Everything but the policy, and then the proof: the calls that the broker's receipt is made of. */
  async clean(name: string): Promise<void> {
    const { caller } = this
    const entity = () =>
      caller.must('POST', '/v1/identity/lookup/entity', { alias_name: name, alias_mount_accessor: this.accessor })
    await caller.must('DELETE', `/v1/auth/bench/users/${name}`)
    const removeEntity = async () => {
      const found = await entity()
      if (found) await caller.must('DELETE', `/v1/identity/entity/id/${found.data.id}`)
    }
    await Promise.all([
      caller.must('POST', `/v1/sys/leases/revoke-prefix/auth/bench/login/${name}`, { sync: true }),
      removeEntity(),
    ])
    const [policy, user, leases, left] = await Promise.all([
      caller.send('GET', `/v1/sys/policies/acl/${name}`),
      caller.send('GET', `/v1/auth/bench/users/${name}`),
      caller.send('GET', `/v1/sys/leases/lookup/auth/bench/login/${name}?list=true`),
      entity(),
    ])
    if (policy.status !== 404 || user.status !== 404 || leases.status !== 404 || left) throw new Error(`void: ${name} is left`)
  }

  /** Grants as the broker makes them: a policy and a user each. Of some the user has logged in: their tokens. */
  async make(names: readonly string[], loggedIn: number): Promise<string[]> {
    const tokens: string[] = []
    const password = 'one for all, as only a bench may have'
    const password_hash = await hash(password, 5)
    await atOnce(names, 16, async (name, index) => {
      await this.writePolicy(name)
      await this.writeUser(name, { password_hash })
      if (index < loggedIn) tokens.push(await this.logIn(name, password))
    })
    return tokens
  }

  /** Ends them all: every policy first, then the rest of each. In milliseconds since the call. */
  async end(names: readonly string[], inFlight: number): Promise<{ policies: number; everything: number }> {
    const began = performance.now()
    await atOnce(names, inFlight, (name) => this.deletePolicy(name))
    const policies = performance.now() - began
    await atOnce(names, inFlight, (name) => this.clean(name))
    return { policies, everything: performance.now() - began }
  }
}
