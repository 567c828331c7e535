import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/config-error.ts'
import { readConfig } from '../../src/config/read-config.ts'

const key = randomBytes(32).toString('base64')

function problemsOf(env: NodeJS.ProcessEnv) {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('the configuration', () => {
  it('needs nothing: everything has a default', () => {
    expect(readConfig({ PATH: '/bin', HOME: '/' })).toEqual({
      database: { kind: 'embedded', fsync: true },
      poolSize: 15,
      host: '127.0.0.1',
      port: 4460,
      publicUrl: 'http://127.0.0.1:4460',
      stateDir: path.resolve('.latchkey'),
      logLevel: 'info',
      key: { kind: 'own' },
      formerKeys: [],
      nextKeys: [],
      lostKeys: [],
      instance: undefined,
      development: false,
      trustProxy: false,
      shutdownSeconds: 15,
      pendingHours: 8,
      stuckAfterSeconds: 300,
      keepDays: { notifications: 90, openings: 365, steps: 365 },
      proposalHours: 168,
      discoveryMinutes: 60,
      integrationFiles: [],
      fourEyes: false,
      smtp: undefined,
      oidc: undefined,
      sessionIdleMinutes: 60,
      sessionHours: 12,
      groupsFreshMinutes: 720,
      checkpointSeconds: 300,
      inTheClear: [],
      tokensConfirmedHours: 72,
    })
  })

  it('takes every variable', () => {
    const config = readConfig({
      DATABASE_URL: 'postgresql://latchkey:pw@db:5432/latchkey',
      LATCHKEY_HOST: '0.0.0.0',
      LATCHKEY_PORT: '0',
      LATCHKEY_PUBLIC_URL: 'https://latchkey.example.com/',
      LATCHKEY_STATE_DIR: '/data',
      LATCHKEY_LOG_LEVEL: 'debug',
      LATCHKEY_KEY: key,
      LATCHKEY_INSTANCE: '1234567890',
      LATCHKEY_DEVELOPMENT: 'true',
      LATCHKEY_POOL_SIZE: '5',
      LATCHKEY_TRUST_PROXY: '10.0.0.0/8, loopback',
      LATCHKEY_SHUTDOWN_SECONDS: '30',
      LATCHKEY_PENDING_HOURS: '24',
      LATCHKEY_STUCK_AFTER_SECONDS: '600',
      LATCHKEY_KEEP_NOTIFICATIONS_DAYS: '30',
      LATCHKEY_PROPOSAL_HOURS: '12',
      LATCHKEY_DISCOVERY_MINUTES: '5',
      LATCHKEY_FSYNC: 'off',
    })
    expect(config).toMatchObject({
      poolSize: 5,
      host: '0.0.0.0',
      port: 0,
      publicUrl: 'https://latchkey.example.com',
      stateDir: '/data',
      logLevel: 'debug',
      instance: '1234567890',
      development: true,
      trustProxy: ['10.0.0.0/8', 'loopback'],
      shutdownSeconds: 30,
      pendingHours: 24,
      stuckAfterSeconds: 600,
      keepDays: { notifications: 30, openings: 365, steps: 365 },
      proposalHours: 12,
      discoveryMinutes: 5,
    })
    expect(config.database).toMatchObject({ kind: 'external' })
    expect(Object.isFrozen(config)).toBe(true)
    const shown = inspect(config, { depth: 9 }) + JSON.stringify(config)
    for (const secret of [key.slice(0, 20), ':pw@']) expect(shown).not.toContain(secret)
  })

  it.each([
    ['no public address while the port is not known', { LATCHKEY_PORT: '0' }, { publicUrl: undefined }],
    ['a browser can go there', { LATCHKEY_HOST: '::', LATCHKEY_DEVELOPMENT: 'true' }, { publicUrl: 'http://127.0.0.1:4460' }],
    ['brackets around IPv6', { LATCHKEY_HOST: '::1' }, { publicUrl: 'http://[::1]:4460' }],
    ['a file for the key', { LATCHKEY_KEY_FILE: '/k' }, { key: { kind: 'file', path: '/k' } }],
    ['a number of proxies', { LATCHKEY_TRUST_PROXY: '2' }, { trustProxy: 2 }],
    [
      'a file lent to integrations',
      { LATCHKEY_INTEGRATION_FILES: '/a=b=https://v:8200/, /c=http://w' },
      {
        integrationFiles: [
          { path: '/a=b', address: 'https://v:8200' },
          { path: '/c', address: 'http://w' },
        ],
      },
    ],
    ['no proxies', { LATCHKEY_TRUST_PROXY: 'off' }, { trustProxy: false }],
  ])('understands %s', (_, env, expected) => {
    expect(readConfig(env)).toMatchObject(expected)
  })

  it('names everything that is wrong at once, each with its remedy', () => {
    const env = {
      DATABASE_URL: 'mysql://root:hunter2@db/x',
      LATCHKEY_PORT: '70000',
      LATCHKEY_PROT: '1',
      LATCHKEY_PUBLIC_URL: 'https://example.com/latchkey',
      LATCHKEY_KEY: 'hunter3',
      LATCHKEY_KEY_FILE: '/k',
      LATCHKEY_FSYNC: 'off',
      LATCHKEY_LOG_LEVEL: '',
    }
    const problems = problemsOf(env)
    expect(problems.map(({ variable }) => variable).toSorted()).toEqual([
      'DATABASE_URL',
      'LATCHKEY_FSYNC',
      'LATCHKEY_KEY',
      'LATCHKEY_KEY',
      'LATCHKEY_LOG_LEVEL',
      'LATCHKEY_PORT',
      'LATCHKEY_PROT',
      'LATCHKEY_PUBLIC_URL',
    ])
    expect(problems.every(({ problem, fix }) => problem !== '' && fix !== '')).toBe(true)
    const { message } = new ConfigError(problems)
    expect(message).toContain('LATCHKEY_PORT cannot be "70000": set it to a whole number from 0 to 65535')
    expect(message).toContain('LATCHKEY_LOG_LEVEL is empty')
    expect(message).not.toContain('hunter')
  })

  it.each([
    ['LATCHKEY_PORT', '4460x'],
    ['LATCHKEY_PORT', '-1'],
    ['LATCHKEY_PORT', '1.5'],
    ['LATCHKEY_HOST', 'a b'],
    ['LATCHKEY_PUBLIC_URL', 'ftp://example.com'],
    ['LATCHKEY_PUBLIC_URL', 'https://user@example.com'],
    ['LATCHKEY_PUBLIC_URL', 'https://example.com/?a'],
    ['LATCHKEY_PUBLIC_URL', 'example.com'],
    ['LATCHKEY_LOG_LEVEL', 'loud'],
    ['LATCHKEY_KEY', randomBytes(31).toString('base64')],
    ['LATCHKEY_FORMER_KEYS', `${randomBytes(32).toString('base64')},${randomBytes(31).toString('base64')}`],
    ['LATCHKEY_LOST_KEYS', 'short'],
    ['LATCHKEY_INSTANCE', '0123456789'],
    ['LATCHKEY_DEVELOPMENT', 'yes'],
    ['LATCHKEY_DEVELOPMENT', 'false'],
    ['LATCHKEY_POOL_SIZE', '1'],
    ['LATCHKEY_TRUST_PROXY', 'true'],
    ['LATCHKEY_TRUST_PROXY', '10.0.0.0/33'],
    ['LATCHKEY_SHUTDOWN_SECONDS', '0'],
    ['LATCHKEY_PENDING_HOURS', '1e3'],
    ['LATCHKEY_PROPOSAL_HOURS', '0'],
    ['LATCHKEY_INTEGRATION_FILES', '/run/token'],
    ['LATCHKEY_INTEGRATION_FILES', 'token=https://vault'],
    ['LATCHKEY_INTEGRATION_FILES', '/run/../etc/shadow=https://vault'],
    ['LATCHKEY_INTEGRATION_FILES', '/run/token=https://vault,/run/ca'],
    ['LATCHKEY_METRICS_ADDRESS', '9464'],
    ['LATCHKEY_METRICS_ADDRESS', 'host:99999'],
    ['LATCHKEY_FSYNC', 'no'],
    ['DATABASE_URL', 'db.example.com'],
  ])('refuses %s=%s', (variable, value) => {
    expect(problemsOf({ [variable]: value })).toEqual([{ variable, problem: expect.any(String), fix: expect.any(String) }])
  })

  it.each([
    ['LATCHKEY_HOST', { LATCHKEY_HOST: '0.0.0.0' }],
    ['LATCHKEY_HOST', { LATCHKEY_HOST: '0.0.0.0', LATCHKEY_PUBLIC_URL: 'http://127.0.0.1:4460' }],
    ['LATCHKEY_PUBLIC_URL', { LATCHKEY_PUBLIC_URL: 'http://latchkey.corp.example' }],
    ['DATABASE_URL', { DATABASE_URL: 'postgresql://l:p@db.corp.example/l' }],
    [
      'LATCHKEY_OWNER_DATABASE_URL',
      { DATABASE_URL: 'postgresql://l:p@127.0.0.1/l', LATCHKEY_OWNER_DATABASE_URL: 'postgresql://l:p@db/l' },
    ],
    ['DATABASE_URL', { DATABASE_URL: 'postgresql://l:p@10.1.2.3/l?sslmode=no-verify' }],
    ['DATABASE_URL', { DATABASE_URL: 'postgresql://l:p@10.1.2.3/l?sslmode=disable' }],
    ['DATABASE_URL', { DATABASE_URL: 'postgresql://l:p@10.1.2.3/l?sslmode=require&uselibpqcompat=true' }],
    ['DATABASE_URL', { DATABASE_URL: 'postgresql://l:p@127.0.0.1/l?host=db.corp.example' }],
  ] as [string, NodeJS.ProcessEnv][])(
    'lets no secret cross a wire in the clear unless the operator says so: %s in %j',
    (variable, env) => {
      expect(problemsOf(env)).toEqual([{ variable, problem: expect.any(String), fix: expect.any(String) }])
      const allowed = readConfig({ ...env, LATCHKEY_DEVELOPMENT: 'true' })
      expect(allowed.inTheClear).toEqual([expect.stringContaining(variable)])
      expect(JSON.stringify([problemsOf(env), allowed.inTheClear])).not.toContain(':p@')
    },
  )

  it.each([
    { LATCHKEY_HOST: '0.0.0.0', LATCHKEY_PUBLIC_URL: 'https://latchkey.corp.example' },
    { LATCHKEY_HOST: '::1' },
    { LATCHKEY_PUBLIC_URL: 'http://localhost:4460' },
    { DATABASE_URL: 'postgresql://l:p@db.corp.example/l?sslmode=verify-full' },
    { DATABASE_URL: 'postgresql://l:p@db.corp.example/l?sslmode=verify-full&uselibpqcompat=true' },
    { DATABASE_URL: 'postgresql://l:p@127.0.0.1/l' },
    { DATABASE_URL: 'postgresql://l:p@%2Fvar%2Frun/l' },
    { LATCHKEY_SMTP_URL: 'smtp://mail.corp.example', LATCHKEY_SMTP_FROM: 'a@corp.example' },
  ])('has nothing against %j', (env) => {
    expect(readConfig(env).inTheClear).toEqual([])
  })

  it('takes a database without TLS, and letters in the clear, when told to, and warns', () => {
    const database = { DATABASE_URL: 'postgresql://l:p@db/l', LATCHKEY_DATABASE_TLS: 'off' }
    expect(readConfig(database).inTheClear).toEqual([expect.stringContaining('DATABASE_URL')])
    const mail = { LATCHKEY_SMTP_URL: 'smtp://mail', LATCHKEY_SMTP_FROM: 'a@b.example', LATCHKEY_SMTP_TLS: 'off' }
    expect(readConfig(mail)).toMatchObject({
      inTheClear: [expect.stringContaining('LATCHKEY_SMTP_TLS')],
      smtp: { mayBePlain: true },
    })
  })

  it('lets only a development broker lose what was written', () => {
    expect(problemsOf({ LATCHKEY_FSYNC: 'off' })).toMatchObject([{ variable: 'LATCHKEY_FSYNC' }])
    expect(readConfig({ LATCHKEY_FSYNC: 'off', LATCHKEY_DEVELOPMENT: 'true' }).database).toEqual({
      kind: 'embedded',
      fsync: false,
    })
  })
})
