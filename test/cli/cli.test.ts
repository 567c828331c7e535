import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/main.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { emptyDatabase, type FreshDatabase, freshDatabase } from '../support/database.ts'

async function latchkey(words: string, env: NodeJS.ProcessEnv = {}) {
  const printed: string[] = []
  const told: string[] = []
  const code = await run(words.split(' '), { env, print: (line) => printed.push(line), tell: (line) => told.push(line) })
  return { code, printed, told: told.join('\n') }
}

describe('the command line', () => {
  it('explains itself', async () => {
    const { code, printed } = await latchkey('--help')
    expect(code).toBe(0)
    expect(printed.join('\n')).toContain('bootstrap')
  })

  it('says its version, which is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8'))
    expect(await latchkey('--version')).toEqual({ code: 0, printed: [version], told: '' })
  })

  it('refuses what it does not know', async () => {
    expect(await latchkey('open-sesame')).toMatchObject({ code: 2, told: expect.stringContaining('open-sesame') })
    expect(await latchkey('bootstrap --nmae x')).toMatchObject({ code: 2, told: expect.stringContaining('--nmae') })
  })

  it('ends without a word when its reader has seen enough', async () => {
    const command = path.resolve(import.meta.dirname, '../../bin/latchkey.mjs')
    const child = spawn(process.execPath, [command, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    let told = ''
    child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()))
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect({ code, told }).toEqual({ code: 0, told: '' })
  })

  it('says what is wrong with the configuration', async () => {
    expect(await latchkey('bootstrap', { LATCHKEY_PORT: 'x' })).toMatchObject({
      code: 78,
      told: expect.stringContaining('LATCHKEY_PORT'),
    })
  })
})

describe('a command that works on the database', () => {
  const WORDS = ['audit verify', 'audit export', 'bootstrap', 'bootstrap --force-new-token']
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'lk-nothing-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it.each(WORDS)('%s makes no installation where there is none, and says where it looked', async (words) => {
    const state = path.join(folder, 'state')
    const { code, printed, told } = await latchkey(words, { LATCHKEY_STATE_DIR: state })
    expect({ code, printed }).toEqual({ code: 1, printed: [] })
    expect(told).toContain(`there is no installation of the broker in ${state}`)
    expect(told).toContain('LATCHKEY_STATE_DIR')
    expect(await readdir(folder)).toEqual([])
  })

  it.each(WORDS)('%s makes nothing in a database that no daemon has prepared', async (words) => {
    const database = await emptyDatabase()
    try {
      const { code, printed, told } = await latchkey(words, { DATABASE_URL: database.url })
      expect({ code, printed }).toEqual({ code: 1, printed: [] })
      expect(told).toContain('there is no installation of the broker in the database')
      expect(told).not.toMatch(/:[^/@]*@/)
      expect(await database.query(`select tablename from pg_tables where schemaname = 'public'`)).toEqual([])
    } finally {
      await database.drop()
    }
  })
})

describe('latchkey bootstrap', () => {
  let database: FreshDatabase
  let broker: Broker
  let token: string
  const bootstrap = (options = '') => latchkey(`bootstrap ${options}`.trim(), { DATABASE_URL: database.url })
  const asAdmin = () => broker.api(token)

  beforeAll(async () => {
    database = await freshDatabase()
    broker = await startBroker({ database })
    // startBroker makes an admin of its own, who is not part of this story.
    await database.query(`update users set state = 'disabled'`)
    const { code, printed, told } = await bootstrap('--name Ada')
    expect({ code, lines: printed.length }).toEqual({ code: 0, lines: 1 })
    expect(told).toContain('Ada')
    expect(told).toMatch(/^Installation 4711081542, the database /)
    token = printed[0]!
  })
  afterAll(async () => {
    await broker?.close()
    await database?.drop()
  })

  it('lets the first admin in, with every scope, and writes it down', async () => {
    expect((await asAdmin().get('/api/me')).body).toMatchObject({
      name: 'Ada',
      roles: ['admin', 'member'],
      scopes: ['read', 'request', 'approve', 'manage', 'audit'],
    })
    const trail = await database.query<{ kind: string }>(
      `select kind from audit_events where actor = 'broker' order by at, kind desc limit 2`,
    )
    expect(trail.map(({ kind }) => kind).sort()).toEqual(['token.created', 'user.created'])
  })

  it('refuses while an admin has a token that works, and says what to do', async () => {
    expect(await bootstrap('--name Eve')).toEqual({ code: 1, printed: [], told: expect.stringContaining('--force-new-token') })
    expect((await asAdmin().get('/api/users')).body.items.map(({ name }: { name: string }) => name)).not.toContain('Eve')
  })

  it('makes a new token when told that the old one is lost', async () => {
    const { printed } = await bootstrap('--name ada --force-new-token')
    expect((await broker.api(printed[0]).get('/api/me')).body.name).toBe('Ada')
  })

  it('makes nobody an admin who is not', async () => {
    await asAdmin().must(asAdmin().post('/api/users', { name: 'Mallory' }))
    expect(await bootstrap('--name Mallory --force-new-token')).toMatchObject({
      code: 1,
      told: expect.stringContaining('--name'),
    })
  })

  it('refuses a name that is none', async () => {
    expect(await latchkey('bootstrap --name \u0007', { DATABASE_URL: database.url })).toMatchObject({
      code: 1,
      told: expect.stringContaining('name'),
    })
  })

  it('lets somebody in again when every admin’s token is gone', async () => {
    await database.query('update api_tokens set revoked_at = now() where revoked_at is null')
    expect((await asAdmin().get('/api/me')).status).toBe(401)
    const { code, printed } = await bootstrap('--name Ada')
    expect(code).toBe(0)
    expect((await broker.api(printed[0]).get('/api/me')).status).toBe(200)
  })
})
