import { isIP } from 'node:net'
import path from 'node:path'
import { z } from 'zod'
import type { IdentityProvider } from './identity-provider.ts'
import { type LentFile, parseLentFiles } from './integration-files.ts'
import { type MetricsAddress, parseMetricsAddress } from '../platform/watching/metrics-server.ts'
import { origin, proxies } from './origin.ts'
import { plainRoads } from './plain-roads.ts'
import { providerFlaws, providerOf, providerVariables } from './provider-variables.ts'
import { parseKey } from '../platform/sealing/sealing.ts'
import { type Mailbox, parseMailbox, parseSmtpUrl, type SmtpServer } from './smtp-server.ts'
import type { KeySource } from '../platform/installation/state-folder.ts'
import { read, text, wholeNumber } from './variable.ts'
import { Secret } from '../sdk/index.ts'

/** What the environment told the daemon. Read once, never changed. */
export interface Config {
  readonly database:
    | {
        readonly kind: 'external'
        readonly url: Secret
        /** of the role that owns the tables; otherwise the one the daemon works as */
        readonly ownerUrl?: Secret | undefined
      }
    | { readonly kind: 'embedded'; readonly fsync: boolean }
  readonly poolSize: number
  readonly host: string
  /** 0: one that is free */
  readonly port: number
  /** origin under which people reach the broker, without a final slash; undefined when only the port we get will tell */
  readonly publicUrl?: string
  /** where the metrics are, apart from everything else; undefined: at our own port, for this machine alone */
  readonly metricsAddress?: MetricsAddress
  /** absolute */
  readonly stateDir: string
  readonly logLevel: LogLevel
  readonly key: KeySource
  /** open what they sealed, which comes under the present one */
  readonly formerKeys: readonly KeySource[]
  /** opens what replicas sealed that have it already */
  readonly nextKeys: readonly KeySource[]
  /** ids of keys that nobody has any more: what they sealed is lost, and stops no start */
  readonly lostKeys: readonly string[]
  /** ten digits; otherwise the state folder has them */
  readonly instance?: string
  /** allows what must never be used in production */
  readonly development: boolean
  /** as Express takes it: how many proxies stand before us, or which addresses they have */
  readonly trustProxy: false | number | readonly string[]
  readonly shutdownSeconds: number
  readonly pendingHours: number
  /** how long rows are kept that nothing needs any more */
  readonly keepDays: { readonly notifications: number; readonly openings: number; readonly steps: number }
  /** how long a proposal waits for a second person */
  readonly proposalHours: number
  /** changes of flows and integrations wait for a second person */
  readonly fourEyes: boolean
  readonly discoveryMinutes: number
  /** files that integrations may read, and where each may be sent */
  readonly integrationFiles: readonly LentFile[]
  /** who takes our e-mail, and whom it is from; undefined when nobody is told by e-mail */
  readonly smtp?: SmtpServer & {
    readonly from: Mailbox
    /** a letter may leave without TLS where the server offers none */
    readonly mayBePlain?: boolean
  }
  /** how people sign in; undefined when there are API tokens alone */
  readonly oidc?: IdentityProvider
  readonly sessionIdleMinutes: number
  readonly sessionHours: number
  /** how long what a sign-in said of somebody's groups counts */
  readonly groupsFreshMinutes: number
  /** where signed heads of the audit trail are appended; the log has them in any case */
  readonly checkpointFile?: string
  readonly checkpointSeconds: number
  /** what the operator lets travel in the clear, in words */
  readonly inTheClear: readonly string[]
  /** how long tokens of people who sign in count after the provider's last yes */
  readonly tokensConfirmedHours: number
}

export interface ConfigProblem {
  readonly variable: string
  readonly problem: string
  readonly fix: string
}

/** Everything that is wrong with the environment, in one go. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(['The configuration has problems:', ...problems.map((p) => `  ${p.variable} ${p.problem}: ${p.fix}`)].join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

// The message of each check is the remedy.
const variables = z.strictObject({
  DATABASE_URL: text(/^postgres(ql)?:\/\/./, 'give it as postgresql://user:password@host:5432/database').optional(),
  LATCHKEY_OWNER_DATABASE_URL: text(
    /^postgres(ql)?:\/\/./,
    'give it as postgresql://owner:password@host:5432/database',
  ).optional(),
  LATCHKEY_HOST: text(/^[0-9a-z.:-]+$/i, 'give an address or a name to listen on').default('127.0.0.1'),
  LATCHKEY_PORT: wholeNumber(0, 65_535).default(4460),
  LATCHKEY_PUBLIC_URL: z.string().transform(origin).optional(),
  LATCHKEY_METRICS_ADDRESS: read(parseMetricsAddress, 'give host and port, as in 127.0.0.1:9464').optional(),
  LATCHKEY_STATE_DIR: text(/./, 'name a folder').default('.latchkey'),
  LATCHKEY_LOG_LEVEL: z.enum(LOG_LEVELS, { error: `set it to one of ${LOG_LEVELS.join(', ')}` }).default('info'),
  LATCHKEY_KEY: z
    .string()
    .refine((value) => parseKey(value) !== undefined, {
      error: 'give 32 bytes in base64, as from: head -c 32 /dev/urandom | base64',
    })
    .optional(),
  LATCHKEY_KEY_FILE: text(/./, 'name a file').optional(),
  LATCHKEY_FORMER_KEYS: read(
    (value) => (parts(value).every((key) => parseKey(key)) ? parts(value).map((key) => new Secret(key)) : undefined),
    'give keys of 32 bytes in base64, parted by commas',
  ).default([]),
  LATCHKEY_FORMER_KEY_FILES: text(/./, 'name files, parted by commas').transform(parts).default([]),
  LATCHKEY_NEXT_KEY: read((value) => (parseKey(value) ? new Secret(value) : undefined), 'give 32 bytes in base64').optional(),
  LATCHKEY_NEXT_KEY_FILE: text(/./, 'name a file').optional(),
  LATCHKEY_LOST_KEYS: text(/^[\w-]{8}(,[\w-]{8})*$/, 'give ids of keys, as the refusal of a start does, parted by commas')
    .transform(parts)
    .default([]),
  LATCHKEY_INSTANCE: text(/^[1-9][0-9]{9}$/, 'give ten digits, the first not 0').optional(),
  LATCHKEY_DEVELOPMENT: z.literal('true', { error: 'set it to true, or unset it' }).optional(),
  LATCHKEY_FOUR_EYES: z.enum(['on', 'off'], { error: 'set it to on or off' }).default('off'),
  LATCHKEY_POOL_SIZE: wholeNumber(2, 150).default(15),
  LATCHKEY_TRUST_PROXY: z.string().transform(proxies).default(false),
  LATCHKEY_SHUTDOWN_SECONDS: wholeNumber(1, 300).default(15),
  LATCHKEY_PENDING_HOURS: wholeNumber(1, 720).default(8),
  LATCHKEY_KEEP_NOTIFICATIONS_DAYS: wholeNumber(1, 36_500).default(90),
  LATCHKEY_KEEP_OPENINGS_DAYS: wholeNumber(1, 36_500).default(365),
  LATCHKEY_KEEP_STEPS_DAYS: wholeNumber(1, 36_500).default(365),
  LATCHKEY_PROPOSAL_HOURS: wholeNumber(1, 8_760).default(168),
  LATCHKEY_DISCOVERY_MINUTES: wholeNumber(1, 10_080).default(60),
  LATCHKEY_INTEGRATION_FILES: read(
    parseLentFiles,
    'give path=address pairs parted by commas, as in /run/secrets/token=https://target.example.com',
  ).default([]),
  ...providerVariables,
  LATCHKEY_SESSION_IDLE_MINUTES: wholeNumber(5, 1440).default(60),
  LATCHKEY_SESSION_HOURS: wholeNumber(1, 720).default(12),
  LATCHKEY_GROUPS_FRESH_MINUTES: wholeNumber(1, 10_080).default(720),
  LATCHKEY_TOKENS_CONFIRMED_HOURS: wholeNumber(1, 2160).default(72),
  LATCHKEY_SMTP_URL: z
    .string()
    .refine((value) => parseSmtpUrl(value) !== undefined, {
      error: 'give it as smtp://user:password@host:587 or smtps://host, with % escapes where user or password need them',
    })
    .optional(),
  LATCHKEY_SMTP_FROM: z
    .string()
    .refine((value) => parseMailbox(value) !== undefined, {
      error: 'give it as latchkey@example.com or Latchkey <latchkey@example.com>',
    })
    .optional(),
  LATCHKEY_SMTP_TLS: z.enum(['on', 'off'], { error: 'set it to on or off' }).default('on'),
  LATCHKEY_CHECKPOINT_FILE: text(/./, 'name a file').optional(),
  LATCHKEY_CHECKPOINT_SECONDS: wholeNumber(10, 86_400).default(300),
  LATCHKEY_DATABASE_TLS: z.enum(['on', 'off'], { error: 'set it to on or off' }).default('on'),
  LATCHKEY_FSYNC: z.enum(['on', 'off'], { error: 'set it to on or off' }).default('on'),
})

// Never repeated in a problem, however wrong they are.
const SECRETS = [
  'DATABASE_URL',
  'LATCHKEY_OWNER_DATABASE_URL',
  'LATCHKEY_KEY',
  'LATCHKEY_FORMER_KEYS',
  'LATCHKEY_NEXT_KEY',
  'LATCHKEY_SMTP_URL',
  'LATCHKEY_OIDC_CLIENT_SECRET',
]

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

function smtpOf({ LATCHKEY_SMTP_URL, LATCHKEY_SMTP_FROM, LATCHKEY_SMTP_TLS }: z.output<typeof variables>): Config['smtp'] {
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

function inWords(issue: z.core.$ZodIssue, env: NodeJS.ProcessEnv): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const fix = `unset it; known are ${Object.keys(variables.shape).join(', ')}`
    return issue.keys.map((variable) => ({ variable, problem: 'is not a variable of the broker', fix }))
  }
  const variable = String(issue.path[0])
  const value = env[variable]
  if (value === '') return [{ variable, problem: 'is empty', fix: `unset it, or ${issue.message}` }]
  const problem = SECRETS.includes(variable) ? 'cannot be used as it is' : `cannot be "${value}"`
  return [{ variable, problem, fix: issue.message }]
}

function contradictions(env: NodeJS.ProcessEnv): ConfigProblem[] {
  const { LATCHKEY_KEY, LATCHKEY_KEY_FILE, LATCHKEY_FSYNC, LATCHKEY_DEVELOPMENT, LATCHKEY_SMTP_URL, LATCHKEY_SMTP_FROM } = env
  const found: ConfigProblem[] = []
  if (LATCHKEY_KEY !== undefined && LATCHKEY_KEY_FILE !== undefined) {
    found.push({ variable: 'LATCHKEY_KEY', problem: 'and LATCHKEY_KEY_FILE are both set', fix: 'unset one of them' })
  }
  if (env['LATCHKEY_OWNER_DATABASE_URL'] !== undefined && env['DATABASE_URL'] === undefined) {
    found.push({ variable: 'DATABASE_URL', problem: 'is missing', fix: 'set it to the role the daemon works as' })
  }
  if (LATCHKEY_FSYNC === 'off' && LATCHKEY_DEVELOPMENT !== 'true') {
    found.push({
      variable: 'LATCHKEY_FSYNC',
      problem: 'is off',
      fix: 'unset it; only LATCHKEY_DEVELOPMENT=true may lose what was written',
    })
  }
  if ((LATCHKEY_SMTP_URL === undefined) !== (LATCHKEY_SMTP_FROM === undefined)) {
    const variable = LATCHKEY_SMTP_URL === undefined ? 'LATCHKEY_SMTP_URL' : 'LATCHKEY_SMTP_FROM'
    found.push({ variable, problem: 'is missing', fix: 'set LATCHKEY_SMTP_URL and LATCHKEY_SMTP_FROM, or neither' })
  }
  return [...found, ...providerFlaws(env)]
}

function parts(list: string): string[] {
  return list.split(',').map((one) => one.trim())
}

function nextKeys({ LATCHKEY_NEXT_KEY: value, LATCHKEY_NEXT_KEY_FILE: file }: z.output<typeof variables>): KeySource[] {
  return [
    ...(value ? [{ kind: 'value', value } as const] : []),
    ...(file ? [{ kind: 'file', path: path.resolve(file) } as const] : []),
  ]
}

function keySource(value: string | undefined, file: string | undefined): KeySource {
  if (value !== undefined) return { kind: 'value', value: new Secret(value) }
  return file === undefined ? { kind: 'own' } : { kind: 'file', path: path.resolve(file) }
}
