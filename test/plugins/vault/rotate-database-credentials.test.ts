import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { rotateDatabaseCredentials } from '../../../plugins/vault/actions/rotate-database-credentials.ts'
import { differenceOf } from '../../../src/actions/approved.ts'
import { type DatabaseWorld, databaseWorld } from './database-engine.ts'
import { done, planned } from './kv-secrets.ts'

const servers = await serversUnderTest()

describe.each(servers)('The rotation of database credentials on $product', (binary) => {
  let world: DatabaseWorld
  beforeAll(async () => {
    world = await databaseWorld(binary)
  }, 120_000)
  afterAll(() => world?.stop())

  const plan = (input: object) => planned(world, rotateDatabaseCredentials, input)
  const password = async (): Promise<string> => (await world.api('GET', 'database/static-creds/app')).body.data.password

  it('of a static role makes PostgreSQL refuse the old password and take the new one', async () => {
    const before = await password()
    expect(await world.logsIn(world.appUser, before)).toBe(true)
    const use = await plan({ role: 'app' })
    expect(await rotateDatabaseCredentials.verify!(use.ctx, use.steps)).toMatchObject([{ holds: false }])
    await done(rotateDatabaseCredentials, use)
    const after = await password()
    expect(after).not.toBe(before)
    expect([await world.logsIn(world.appUser, before), await world.logsIn(world.appUser, after)]).toEqual([false, true])
    expect(await rotateDatabaseCredentials.verify!(use.ctx, use.steps)).toMatchObject([
      { holds: true, artefact: 'static role database/app', observed: expect.stringContaining('last rotated') },
    ])
    const said = JSON.stringify([use.steps, await rotateDatabaseCredentials.verify!(use.ctx, use.steps)])
    for (const secret of [before, after]) expect(said).not.toContain(secret)
  })

  it('shows beforehand whose password it is and when it was rotated last', async () => {
    const { steps } = await plan({ mount: '/database/', role: 'app' })
    expect(steps[0]).toMatchObject({
      target: 'database/rotate-role/app',
      summary: expect.stringContaining(world.appUser),
      args: { user: world.appUser, connection: 'main' },
      before: { user: world.appUser, connection: 'main', rotatedAt: expect.any(String), periodSeconds: 86_400 },
    })
  })

  it('done twice rotates once', async () => {
    const use = await done(rotateDatabaseCredentials, await plan({ role: 'app' }))
    const after = await password()
    await done(rotateDatabaseCredentials, use)
    expect(await password()).toBe(after)
  })

  it('says that the database was not reached without a word of what it said, and is done once it is reached again', async () => {
    const use = await plan({ role: 'app' })
    const before = await password()
    world.reach(false)
    try {
      const refusal: Error & { fix?: string } = await done(rotateDatabaseCredentials, use).then(
        () => expect.unreachable(),
        (error) => error,
      )
      expect(refusal).toMatchObject({ code: 'target.failed', fix: expect.stringContaining('server’s log') })
      expect(`${refusal.stack} ${String(refusal.cause)}`).not.toMatch(/127\.0\.0\.1|engine_|app_|dial|connect/)
      expect(await rotateDatabaseCredentials.verify!(use.ctx, use.steps)).toMatchObject([{ holds: false }])
    } finally {
      world.reach(true)
    }
    await done(rotateDatabaseCredentials, use)
    const after = await password()
    expect([await world.logsIn(world.appUser, before), await world.logsIn(world.appUser, after)]).toEqual([false, true])
    expect(await rotateDatabaseCredentials.verify!(use.ctx, use.steps)).toMatchObject([{ holds: true }])
  }, 60_000)

  it('is not done to the users of a dynamic role, which are made for each lease', async () => {
    const lease = (await world.api('GET', 'database/creds/day')).body.data
    await expect(plan({ role: 'day' })).rejects.toMatchObject({
      code: 'input.invalid',
      field: 'input.role',
      fix: expect.stringContaining('made for each lease'),
    })
    expect(await world.logsIn(lease.username, lease.password)).toBe(true)
  })

  it('of a connection makes PostgreSQL refuse the password that people know, and the engine goes on', async () => {
    const use = await plan({ connection: 'main' })
    const address = expect.stringMatching(/^127\.0\.0\.1:\d+\/postgres$/)
    expect(use.steps[0]).toMatchObject({ before: { user: world.engine.user, plugin: 'postgresql-database-plugin', address } })
    expect(await world.logsIn(world.engine.user, world.engine.password)).toBe(true)
    await done(rotateDatabaseCredentials, use)
    expect(await world.logsIn(world.engine.user, world.engine.password)).toBe(false)
    const lease = (await world.api('GET', 'database/creds/day')).body.data
    expect(await world.logsIn(lease.username, lease.password)).toBe(true)
    expect(await rotateDatabaseCredentials.verify!(use.ctx, use.steps)).toMatchObject([{ holds: true }])
    expect(JSON.stringify(use.steps)).not.toContain(world.engine.password)
    await done(rotateDatabaseCredentials, use)
    expect((await world.api('GET', 'database/creds/day')).status).toBe(200)
  })

  it('is done to nobody else than who was shown, whatever the connection or the role leads to now', async () => {
    const pointTo = async (settings: object) => {
      const { status } = await world.api('POST', 'database/config/moved', {
        plugin_name: 'postgresql-database-plugin',
        connection_url: 'postgresql://{{username}}:{{password}}@127.0.0.1:1/postgres',
        username: 'shown',
        password: 'nobody-knows',
        verify_connection: false,
        allowed_roles: [],
        ...settings,
      })
      expect(status).toBeLessThan(300)
    }
    await pointTo({})
    const use = await plan({ connection: 'moved' })
    for (const other of [
      { username: 'another' },
      { connection_url: 'postgresql://{{username}}:{{password}}@127.0.0.2:1/postgres' },
    ]) {
      await pointTo(other)
      await expect(done(rotateDatabaseCredentials, use)).rejects.toMatchObject({
        code: 'target.conflict',
        fix: expect.any(String),
      })
      expect(differenceOf(use.steps, (await plan({ connection: 'moved' })).steps), 'what was approved').toBeDefined()
    }
    const role = await plan({ role: 'app' })
    const ofAnother = role.steps.map((step) => ({ ...step, args: { ...step.args, user: 'another' } })) as typeof role.steps
    await expect(done(rotateDatabaseCredentials, { ...role, steps: ofAnother })).rejects.toMatchObject({
      code: 'target.conflict',
    })
  })

  it('of a connection asks for its name, and says why there is no way back', () => {
    expect(rotateDatabaseCredentials.mustType!({ mount: 'database', connection: 'main' })).toBe('main')
    expect(rotateDatabaseCredentials.mustType!({ mount: 'database', role: 'app' })).toBeUndefined()
    expect(rotateDatabaseCredentials.irreversible).toContain('nothing can be restored')
  })

  it('shows no password that somebody wrote into the address of a connection', async () => {
    const { body } = await world.api('GET', 'database/config/main')
    const url = String(body.data.connection_details.connection_url)
    await world.api('POST', 'database/config/other', {
      plugin_name: 'postgresql-database-plugin',
      connection_url: url.replace('{{username}}:{{password}}', 'somebody:canary-in-the-address'),
      username: 'somebody',
      password: 'canary-in-the-password',
      verify_connection: false,
      allowed_roles: [],
    })
    const { steps } = await plan({ connection: 'other' })
    expect(JSON.stringify(steps)).not.toContain('canary')
  })

  it.each([
    ['a role that is not there', { role: 'gone' }, 'input.role'],
    ['a connection that is not there', { connection: 'gone' }, 'input.connection'],
    ['an engine that the integration does not cover', { mount: 'kv', role: 'app' }, 'input.mount'],
  ])('is not planned for %s', async (_, input, field) => {
    await expect(plan(input)).rejects.toMatchObject({ code: 'input.invalid', field, fix: expect.any(String) })
  })

  it.each([
    ['neither', {}],
    ['both', { role: 'app', connection: 'main' }],
    ['a way up', { role: '../config/main' }],
    ['a star', { role: '*' }],
    ['a slash', { role: 'a/b' }],
    ['something it does not know', { role: 'app', force: true }],
  ])('does not take %s', (_, input) => {
    expect(rotateDatabaseCredentials.input.safeParse(input).success).toBe(false)
  })
})
