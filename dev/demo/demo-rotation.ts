import { catalog } from '../../src/contract/endpoints/catalog.ts'
import { integrations } from '../../src/contract/endpoints/integrations.ts'
import { webhooks } from '../../src/contract/endpoints/notifications.ts'
import { rotations } from '../../src/contract/endpoints/rotations.ts'
import { runs } from '../../src/contract/endpoints/runs.ts'
import type { RunView } from '../../src/contract/runs.ts'
import { expectOk } from '../vault/vault-initialise.ts'
import type { VaultServer } from '../vault/vault-server.ts'
import { setUpVault } from '../vault/vault-setup.ts'
import { waitFor } from '../vault/vault-wait.ts'
import type { DemoApi } from './demo-api.ts'
import type { Screen } from './demo-screen.ts'
import { type DatabaseUser, type DemoShop, ENGINE, ORDERS, SHOP } from './demo-shop.ts'
import { auditedIds } from './demo-vault.ts'
import type { DemoWorld } from './demo-world.ts'

const ROTATOR = 'latchkey-rotation'
/** The shortest time that an application may be given to say that a new value works. */
const TEST_SECONDS = 10
const NEW_PASSWORD = { password: { by: 'recipe', length: 24 } }

/** What rotates goes through an integration and a login of its own: what lends may read and change no secret. */
export async function settleRotation(screen: Screen, vault: VaultServer, { admin }: DemoWorld, shop: DemoShop): Promise<string> {
  screen.chapter('A database’s password, rotated')
  const settings = {
    address: vault.address,
    kvMounts: ['kv'],
    capabilities: ['rotate-secrets', 'rotate-database'],
    policyName: ROTATOR,
    policyPrefix: 'rotation-g-',
  }
  const auth = { method: 'approle', roleId: 'not made yet' }
  const asked = { params: { plugin: 'vault' }, body: { config: { ...settings, auth } } }
  const { document: policy } = await admin.call(catalog.minimumPolicy, asked)
  const login = await setUpVault(vault, { policy, policyName: ROTATOR, role: ROTATOR })
  await databaseEngine(vault, shop)
  const config = { ...settings, auth: { ...auth, ...login } }
  const { id } = await admin.call(integrations.create, { body: { name: 'demo-vault-rotation', plugin: 'vault', config } })
  const { healthy, checks } = await admin.call(integrations.check, { params: { id } })
  const rights = checks.filter(({ name }) => name.startsWith('right ') || name.startsWith('excess'))
  const isExact = healthy && rights.length > 0 && rights.every(({ status }) => status === 'ok')
  screen.proof('an integration of its own, with the rights to rotate and no other', isExact, isExact ? 'healthy' : '')
  return id
}

export async function databasePassword(
  screen: Screen,
  vault: VaultServer,
  { admin }: DemoWorld,
  shop: DemoShop,
  integrationId: string,
): Promise<void> {
  const known = async (): Promise<DatabaseUser> => {
    const { data } = expectOk(await vault.api('GET', `database/static-creds/${ORDERS.username}`), 'read a static role').body
    return { username: data.username, password: data.password }
  }
  const before = await known()
  screen.proof('PostgreSQL lets the user orders in', await shop.logsIn(before))
  const action = 'rotate-database-credentials'
  const input = { role: ORDERS.username }
  const preview = await admin.call(runs.preview, { params: { id: integrationId, action }, body: { input } })
  screen.proof('a dry run says what would be done, and that nobody can undo it', !preview.reversible, preview.risk.level)
  screen.note(...preview.steps.map(({ summary }) => summary))
  const run = await done(admin, { integrationId, action, input, reason: 'orders’ password was in a log' })
  screen.proof('an admin has it done, and Vault is asked whether it is', run.state === 'executed', run.state)
  screen.proof('PostgreSQL itself refuses the old password', !(await shop.logsIn(before)), 'PostgreSQL: 28P01')
  screen.proof('and lets the user in with the new one', await shop.logsIn(await known()))
}

export async function failedTest(
  screen: Screen,
  vault: VaultServer,
  { admin }: DemoWorld,
  shop: DemoShop,
  integrationId: string,
): Promise<void> {
  screen.chapter('A new value that does not work is taken back by itself')
  const path = 'shop/database'
  const find = async () => (await stored(vault, path)).data as unknown as DatabaseUser
  shop.logsInWith(find)
  screen.proof('the shop logs in at PostgreSQL with what Vault keeps', await shop.logsIn(await find()), `kv/${path}`)
  const hook = { name: 'shop', url: shop.url, events: ['rotation.finished'] }
  const { id: webhookId } = await admin.call(webhooks.create, { body: hook })
  const rotation = await admin.call(rotations.create, {
    body: {
      name: 'password of the shop',
      does: {
        kind: 'run',
        integrationId,
        action: 'rotate-kv-secret',
        input: { mount: 'kv', path, fields: NEW_PASSWORD },
        test: { webhookId, withinSeconds: TEST_SECONDS },
      },
      schedule: { kind: 'cron', line: '30 2 * * 1', timeZone: 'Europe/Berlin' },
    },
  })
  screen.proof('a schedule rotates it, and the shop is asked each time', rotation.active, '30 2 * * 1')
  const params = { id: rotation.id }
  await admin.call(rotations.run, { params, body: { reason: 'nobody told PostgreSQL' } })
  const { last } = await waitFor('the rotation to be over', async () => {
    const now = await admin.call(rotations.get, { params })
    screen.count(now.last?.state === 'testing' ? 'the shop is asked again and again' : 'the secret is rotated')
    return now.last?.settledAt !== null && now.last !== null && now
  })
  screen.proof(
    'run now, the shop cannot log in with the new one, and says so',
    shop.asked.length > 0 && shop.asked.every((status) => status === 503),
    `${shop.asked.length} times`,
  )
  const now = await stored(vault, path)
  screen.proof('so the broker puts the old one back', last?.state === 'undone', `${last?.state}, version ${now.version}`)
  const { username, password } = await find()
  const isBack = username === SHOP.username && password === SHOP.password
  screen.proof('with which PostgreSQL lets the shop in', isBack && (await shop.logsIn({ username, password })))
  screen.note(last?.problem?.message ?? '')
}

export async function undoneByAdmin(
  screen: Screen,
  vault: VaultServer,
  { admin }: DemoWorld,
  integrationId: string,
): Promise<void> {
  screen.chapter('An admin takes a rotation back')
  const path = 'shop/cache'
  const before = await stored(vault, path)
  const input = { mount: 'kv', path, fields: NEW_PASSWORD }
  const run = await done(admin, { integrationId, action: 'rotate-kv-secret', input, reason: 'it is old' })
  const rotated = await stored(vault, path)
  const isNew = rotated.version === before.version + 1 && rotated.data['password'] !== before.data['password']
  screen.proof(`kv/${path} has a new value`, isNew && run.state === 'executed', `version ${rotated.version}`)
  const params = { id: run.id }
  const outlook = await admin.call(runs.rollbackPreview, { params })
  screen.proof('Vault is asked first whether there is a way back', outlook.possible)
  screen.note(...outlook.restores.map(({ summary }) => summary))
  await admin.call(runs.rollBack, { params, body: { reason: 'the cache was not told' } })
  const undone = await over(admin, run.id)
  const restored = await stored(vault, path)
  const isBack = JSON.stringify(restored.data) === JSON.stringify(before.data)
  screen.proof(
    'the admin takes it, and the old value is there again',
    undone.state === 'undone' && isBack,
    `version ${restored.version}`,
  )
  const receipt = await admin.call(runs.receipt, { params })
  const audited = await auditedIds(vault)
  for (const [what, readBack] of [
    ['done', receipt.done],
    ['undone', receipt.undone],
  ] as const) {
    for (const { artefact, holds, observed, requestId } of readBack?.evidence ?? []) {
      const isAudited = requestId !== null && audited.has(requestId)
      const where = `${requestId?.slice(0, 8)} ${isAudited ? '' : 'not '}in the audit file`
      screen.proof(`${what}: ${artefact}`, holds && isAudited, `${observed.split(',')[0]} · ${where}`)
    }
  }
  const isWhole = (receipt.done?.evidence.length ?? 0) > 0 && (receipt.undone?.evidence.length ?? 0) > 0
  const hidesAll = ![before, rotated].some(({ data }) => JSON.stringify(receipt).includes(String(data['password'])))
  screen.proof('the receipt of change shows both, and neither value', isWhole && hidesAll)
}

async function databaseEngine({ api }: VaultServer, shop: DemoShop): Promise<void> {
  expectOk(await api('POST', 'sys/mounts/database', { type: 'database' }), 'mount the database engine')
  const connection = {
    plugin_name: 'postgresql-database-plugin',
    connection_url: shop.connectionUrl,
    ...ENGINE,
    allowed_roles: [ORDERS.username],
  }
  expectOk(await api('POST', 'database/config/shop', connection), 'connect the database engine')
  const role = { db_name: 'shop', username: ORDERS.username, rotation_period: '24h' }
  expectOk(await api('POST', `database/static-roles/${ORDERS.username}`, role), 'make a static role')
}

interface Stored {
  readonly version: number
  readonly data: Readonly<Record<string, string>>
}

async function stored({ api }: VaultServer, path: string): Promise<Stored> {
  const { data, metadata } = expectOk(await api('GET', `kv/data/${path}`), `read ${path}`).body.data
  return { version: metadata.version, data }
}

interface Order {
  readonly integrationId: string
  readonly action: string
  readonly input: Record<string, unknown>
  readonly reason: string
}

async function done(admin: DemoApi, order: Order): Promise<RunView> {
  return over(admin, (await admin.call(runs.order, { body: order })).id)
}

/** The run once nothing of it is under way any more. */
function over(admin: DemoApi, id: string): Promise<RunView> {
  return waitFor('the run to be over', async () => {
    const run = await admin.call(runs.get, { params: { id } })
    return ['executed', 'undone', 'failed', 'stuck'].includes(run.state) && run
  })
}
