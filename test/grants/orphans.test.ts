import { afterEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { withDatabase, within } from '../support/database.ts'
import { getsIn, type Stage, setStage } from '../support/stage.ts'
import { furnished, inhabit, type Opened, traces } from '../support/world.ts'

const OTHER = '9876543210'

describe('what a grant left in a server and no database knows', () => {
  let stage: Stage<Daemon>
  let successor: Daemon | undefined

  afterEach(async () => {
    await successor?.close()
    await stage?.close()
    successor = undefined
  })

  async function openedGrants(): Promise<Opened[]> {
    const { world, passwords } = stage
    const grants = [await world.grant(world.alice, {}), await world.grant(world.alice, { flowId: passwords.id })]
    const opened = await Promise.all(grants.map((id) => world.open(world.alice, id)))
    for (const each of opened) expect(await getsIn(stage.vault, each)).toBe(true)
    return opened
  }

  /** Looks like ours, and is not: made by hand, by another installation, or for a person. */
  async function strangers(): Promise<string[]> {
    const { vault } = stage
    const comment = `latchkey ${OTHER} run_${'0'.repeat(26)} until 2099-01-01T00:00:00.000Z`
    const theirs = JSON.stringify({ path: { 'auth/token/lookup-self': { capabilities: ['read'], comment } } })
    await vault.api('POST', 'sys/policies/acl/apono-g-x', { policy: 'path "kv/x" { capabilities = ["read"] }' })
    await vault.api('POST', `sys/policies/acl/apono-g-${'0'.repeat(26)}`, { policy: theirs })
    await vault.api('POST', `auth/apono/users/${OTHER}-${'0'.repeat(41)}`, { password: 'theirs' })
    await vault.api('POST', 'auth/apono/users/zoe', { password: 'a person’s' })
    return (await traces(vault)).filter(
      (trace) => trace.includes('-x') || trace.includes('0'.repeat(26)) || trace.includes('zoe'),
    )
  }

  async function expectRemoved(opened: readonly Opened[], left: readonly string[]): Promise<void> {
    await waitFor('what is ours to be gone', async () => (await traces(stage.vault)).length === left.length, 15_000)
    expect((await traces(stage.vault)).toSorted()).toEqual([...left].toSorted())
    for (const each of opened) expect(await getsIn(stage.vault, each)).toBe(false)
  }

  it('is removed when the database was restored to a time before it, and nothing else is', async () => {
    stage = await setStage(startDaemon)
    const { home, database } = stage
    const name = database.url.split('/').at(-1) ?? ''
    const copy = (from: string, to: string) =>
      within(withDatabase(database.url, 'postgres'), (client) => client.query(`create database ${to} template ${from}`))
    await home.kill()
    await waitFor('the database to be let go', () =>
      copy(name, `${name}_before`).then(
        () => true,
        () => false,
      ),
    )
    await home.start()
    const opened = await openedGrants()
    const left = await strangers()
    expect(left).toHaveLength(4)

    await home.kill()
    await database.drop()
    await copy(`${name}_before`, name)
    await within(withDatabase(database.url, 'postgres'), (client) => client.query(`drop database ${name}_before`))
    await home.start()
    await expectRemoved(opened, left)
    const told = await database.query(`select 1 from audit_events where kind = 'orphan.removed'`)
    expect(told).toHaveLength(4)
  })

  it('is removed from an empty database too, by a broker with the same installation’s number', async () => {
    stage = await setStage(startDaemon)
    const { home, vault } = stage
    const opened = await openedGrants()
    const left = await strangers()
    await home.kill()
    successor = await startDaemon({ env: { LATCHKEY_INSTANCE: home.env['LATCHKEY_INSTANCE'] } })
    const world = await inhabit(successor, vault, await furnished(vault))
    const { admin } = successor
    await admin.must(admin.post(`/api/integrations/${world.integrationId}/sweep`))
    await expectRemoved(opened, left)
  })

  it('is left alone by an installation with another number', async () => {
    stage = await setStage(startDaemon)
    const { home, vault } = stage
    const [opened] = await openedGrants()
    const before = await traces(vault)
    await home.kill()
    successor = await startDaemon()
    const world = await inhabit(successor, vault, await furnished(vault))
    const { admin } = successor
    const report = await admin.must(admin.post(`/api/integrations/${world.integrationId}/sweep`))
    expect(report).toMatchObject({ removed: [], left: [], altered: [] })
    expect(await traces(vault)).toEqual(before)
    expect(await getsIn(vault, opened!)).toBe(true)
  })
})
