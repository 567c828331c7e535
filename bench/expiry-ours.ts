import { setTimeout as sleep } from 'node:timers/promises'
import type { VaultServer } from '../dev/vault/vault-server.ts'
import { waitFor } from '../dev/vault/vault-wait.ts'
import { deletions, endOfAudit, lastServed } from './audit-file.ts'
import type { Broker } from './broker.ts'
import { startProber } from './prober.ts'
import { atOnce, numbered } from './run.ts'
import { flow, nothingLeft, objectsMatch, type Person } from './setting.ts'
import { PROBED } from './vault-loop.ts'

export type Delivery = 'token' | 'password'

/** The world in which grants end. */
export interface Stage {
  readonly broker: Broker
  readonly vault: VaultServer
  readonly integration: string
  readonly alice: Person
  readonly flows: Readonly<Record<Delivery, string>>
  readonly resource: string
}

export interface Size {
  readonly grants: number
  readonly opened: number
  readonly rate: number
}

/** All in milliseconds after the due moment. */
export interface Ending {
  /** of each probed token: its last success, as its prober had it answered */
  readonly probed: readonly number[]
  /** the same, as the server's audit file has it */
  readonly served: readonly number[]
  /** of each grant: when its policy was gone, as the audit file has it */
  readonly cut: readonly number[]
  /** of each grant: when its receipt was written */
  readonly ended: readonly number[]
}

export async function stage(broker: Broker, vault: VaultServer, integration: string, alice: Person): Promise<Stage> {
  const automatic = { approval: { kind: 'automatic' } }
  const flows = {
    token: await flow(broker, integration, { ...automatic, delivery: 'token' }),
    password: await flow(broker, integration, { ...automatic, delivery: 'password' }),
  }
  const { items } = await broker.admin.must('GET', '/api/resources?q=kv/app/s-0')
  return { broker, vault, integration, alice, flows, resource: items[0].id }
}

/** Lends to many, lets all of it end at one moment, and tells what the server did. */
export async function endTogether(on: Stage, delivery: Delivery, size: Size): Promise<Ending> {
  const lending = Date.now()
  const grants = await lend(on, delivery, size.grants)
  const eachMs = (Date.now() - lending) / size.grants
  await objectsMatch(on.broker, on.vault)
  const due = await settle(on.broker, Date.now() + 8_000 + size.opened * Math.max(40, 3 * eachMs)) // opening takes as long as lending
  const redeems: (() => Promise<string>)[] = []
  await atOnce(grants.slice(0, size.opened), 8, async (grant) => redeems.push(await opened(on, grant)))
  // A password is used as late as can be, so that the token it gives would outlive the grant if nobody did anything.
  await sleep(due - Date.now() - 7_000)
  const tokens: string[] = []
  await atOnce(redeems, 8, async (redeem) => tokens.push(await redeem()))
  if (Date.now() > due - 2_000) throw new Error('void: opening took too long; try with a smaller --opened')
  const audited = await endOfAudit(on.vault)
  await sleep(due - Date.now() - 2_500)
  const prober = startProber({ origin: on.vault.address, path: PROBED, tokens, rate: size.rate })
  await waitFor('every receipt', () => allOver(on.broker), 300_000)
  const met = await prober.stop()
  await nothingLeft(on.broker, on.vault)
  const { rows } = await on.broker.database.query<{ late: number }>(
    `select (extract(epoch from ended_at) * 1000 - $2)::float as late from grants where id = any($1) and receipt is not null`,
    [grants, due],
  )
  if (rows.length !== size.grants) throw new Error(`void: ${rows.length} receipts for ${size.grants} grants`)
  if (met.some(({ successes }) => successes === 0)) throw new Error('void: a token never worked')
  return {
    probed: met.map(({ answered }) => answered - due),
    served: await lastServed(on.vault, audited, 'kv/data/', due),
    cut: await deletions(on.vault, audited, 'sys/policies/acl/apono-g-', due),
    ended: rows.map(({ late }) => late),
  }
}

async function lend({ alice, broker, flows, resource }: Stage, delivery: Delivery, count: number): Promise<string[]> {
  const grants: string[] = []
  await atOnce(numbered(count), 16, async () => {
    const wanted = { flowId: flows[delivery], resources: [{ resourceId: resource, permissions: ['read'] }], seconds: 7200 }
    const { grantId } = await alice.api.must('POST', '/api/access-requests', wanted)
    grants.push(grantId)
  })
  await waitFor('every grant to be active', async () => (await counted(broker, `state = 'active'`)) === count, 300_000)
  return grants
}

/** Moves the end of everything that is active to one moment. */
async function settle(broker: Broker, due: number): Promise<number> {
  const at = new Date(due)
  await broker.database.query(`update grants set expires_at = $1, target_until = $1 where state = 'active'`, [at])
  await broker.database.query(`update due_work set run_at = $1, version = version + 1 where kind = 'grant.end'`, [at])
  return due
}

/** Opens a grant, and answers how its credential becomes a token. */
async function opened({ alice, vault }: Stage, grant: string): Promise<() => Promise<string>> {
  const { delivery, fields } = await alice.api.must('POST', `/api/grants/${grant}/open`)
  const field = (name: string) => fields.find((each: { name: string }) => each.name === name).value
  return async () => {
    const { body } =
      delivery === 'token'
        ? await vault.api('POST', 'sys/wrapping/unwrap', {}, { 'x-vault-token': field('wrapping_token') })
        : await vault.api('POST', `${field('mount')}/login/${field('username')}`, { password: field('password') })
    return body.auth.client_token
  }
}

async function allOver(broker: Broker): Promise<boolean> {
  return (await counted(broker, `state not in ('expired', 'revoked', 'failed')`)) === 0
}

async function counted(broker: Broker, where: string): Promise<number> {
  const { rows } = await broker.database.query<{ count: number }>(`select count(*)::int from grants where ${where}`)
  return rows[0]?.count ?? 0
}
