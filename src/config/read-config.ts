import { isIP } from 'node:net'
import path from 'node:path'
import { Secret } from '../sdk/index.ts'
import type { Config } from './config.ts'
import { ConfigError } from './config-error.ts'
import { contradictions, inWords } from './flaws.ts'
import type { KeySource } from './key-source.ts'
import { plainRoads } from './plain-roads.ts'
import { providerOf } from './provider-variables.ts'
import { parseMailbox, parseSmtpUrl } from './smtp-server.ts'
import { type Variables, variables } from './variables.ts'

/** Throws `ConfigError` with every problem there is. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const ours = Object.fromEntries(Object.entries(env).filter(([name]) => isOurs(name)))
  const read = variables.safeParse(ours)
  const unreadable = read.error?.issues.flatMap((issue) => inWords(issue, ours)) ?? []
  const roads = plainRoads(ours).filter(({ variable }) => !unreadable.some((other) => other.variable === variable))
  const refused = roads.filter(({ allowed }) => !allowed).map(({ variable, problem, fix }) => ({ variable, problem, fix }))
  const problems = [...unreadable, ...contradictions(ours), ...refused]
  if (!read.success || problems.length > 0) throw new ConfigError(problems)
  const known = read.data
  return Object.freeze<Config>({
    database: known.DATABASE_URL
      ? {
          kind: 'external',
          url: new Secret(known.DATABASE_URL),
          ownerUrl: known.LATCHKEY_OWNER_DATABASE_URL === undefined ? undefined : new Secret(known.LATCHKEY_OWNER_DATABASE_URL),
        }
      : { kind: 'embedded', fsync: known.LATCHKEY_FSYNC === 'on' },
    poolSize: known.LATCHKEY_POOL_SIZE,
    host: known.LATCHKEY_HOST,
    port: known.LATCHKEY_PORT,
    publicUrl:
      known.LATCHKEY_PUBLIC_URL ?? (known.LATCHKEY_PORT === 0 ? undefined : urlOf(known.LATCHKEY_HOST, known.LATCHKEY_PORT)),
    metricsAddress: known.LATCHKEY_METRICS_ADDRESS,
    stateDir: path.resolve(known.LATCHKEY_STATE_DIR),
    logLevel: known.LATCHKEY_LOG_LEVEL,
    key: keySource(known.LATCHKEY_KEY, known.LATCHKEY_KEY_FILE),
    formerKeys: [
      ...known.LATCHKEY_FORMER_KEYS.map((value) => ({ kind: 'value', value }) as const),
      ...known.LATCHKEY_FORMER_KEY_FILES.map((file) => ({ kind: 'file', path: path.resolve(file) }) as const),
    ],
    nextKeys: nextKeys(known),
    lostKeys: known.LATCHKEY_LOST_KEYS,
    instance: known.LATCHKEY_INSTANCE,
    development: known.LATCHKEY_DEVELOPMENT === 'true',
    trustProxy: known.LATCHKEY_TRUST_PROXY,
    shutdownSeconds: known.LATCHKEY_SHUTDOWN_SECONDS,
    pendingHours: known.LATCHKEY_PENDING_HOURS,
    stuckAfterSeconds: known.LATCHKEY_STUCK_AFTER_SECONDS,
    keepDays: {
      notifications: known.LATCHKEY_KEEP_NOTIFICATIONS_DAYS,
      openings: known.LATCHKEY_KEEP_OPENINGS_DAYS,
      steps: known.LATCHKEY_KEEP_STEPS_DAYS,
    },
    proposalHours: known.LATCHKEY_PROPOSAL_HOURS,
    fourEyes: known.LATCHKEY_FOUR_EYES === 'on',
    discoveryMinutes: known.LATCHKEY_DISCOVERY_MINUTES,
    integrationFiles: known.LATCHKEY_INTEGRATION_FILES,
    smtp: smtpOf(known),
    oidc: providerOf(known),
    sessionIdleMinutes: known.LATCHKEY_SESSION_IDLE_MINUTES,
    sessionHours: known.LATCHKEY_SESSION_HOURS,
    groupsFreshMinutes: known.LATCHKEY_GROUPS_FRESH_MINUTES,
    checkpointFile: known.LATCHKEY_CHECKPOINT_FILE && path.resolve(known.LATCHKEY_CHECKPOINT_FILE),
    checkpointSeconds: known.LATCHKEY_CHECKPOINT_SECONDS,
    inTheClear: roads.map(({ variable, problem }) => `${variable} ${problem}`),
    tokensConfirmedHours: known.LATCHKEY_TOKENS_CONFIRMED_HOURS,
  })
}

function smtpOf({ LATCHKEY_SMTP_URL, LATCHKEY_SMTP_FROM, LATCHKEY_SMTP_TLS }: Variables): Config['smtp'] {
  const server = parseSmtpUrl(LATCHKEY_SMTP_URL ?? '')
  const from = parseMailbox(LATCHKEY_SMTP_FROM ?? '')
  return server && from && { ...server, from, mayBePlain: LATCHKEY_SMTP_TLS === 'off' }
}

/** The address a browser on this machine uses for what listens there. */
export function urlOf(host: string, port: number): string {
  if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`
  return `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

// The command line (LATCHKEY_CLI_…) and the launcher of development servers (LATCHKEY_CACHE) may share the daemon's environment.
function isOurs(name: string): boolean {
  return name === 'DATABASE_URL' || /^LATCHKEY_(?!CLI_|CACHE$|TEST_)/.test(name)
}

function nextKeys({ LATCHKEY_NEXT_KEY: value, LATCHKEY_NEXT_KEY_FILE: file }: Variables): KeySource[] {
  return [
    ...(value ? [{ kind: 'value', value } as const] : []),
    ...(file ? [{ kind: 'file', path: path.resolve(file) } as const] : []),
  ]
}

function keySource(value: string | undefined, file: string | undefined): KeySource {
  if (value !== undefined) return { kind: 'value', value: new Secret(value) }
  return file === undefined ? { kind: 'own' } : { kind: 'file', path: path.resolve(file) }
}
