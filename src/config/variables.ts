import { z } from 'zod'
import { Secret } from '../sdk/index.ts'
import { parseLentFiles } from './integration-files.ts'
import { parseKey } from './key-source.ts'
import { LOG_LEVELS } from './log-levels.ts'
import { parseMetricsAddress } from './metrics-address.ts'
import { origin, proxies } from './origin.ts'
import { providerVariables } from './provider-variables.ts'
import { parseMailbox, parseSmtpUrl } from './smtp-server.ts'
import { read, text, wholeNumber } from './variable.ts'

// The message of each check is the remedy.
export const variables = z.strictObject({
  DATABASE_URL: text(/^postgres(ql)?:\/\/./, 'give a URL such as postgresql://user:password@host:5432/database').optional(),
  LATCHKEY_OWNER_DATABASE_URL: text(
    /^postgres(ql)?:\/\/./,
    'give a URL such as postgresql://owner:password@host:5432/database',
  ).optional(),
  LATCHKEY_HOST: text(/^[0-9a-z.:-]+$/i, 'give an address or a name to listen on').default('127.0.0.1'),
  LATCHKEY_PORT: wholeNumber(0, 65_535).default(4460),
  LATCHKEY_PUBLIC_URL: z.string().transform(origin).optional(),
  LATCHKEY_METRICS_ADDRESS: read(parseMetricsAddress, 'give host and port, as in 127.0.0.1:9464').optional(),
  LATCHKEY_STATE_DIR: text(/./, 'give the name of a folder').default('.latchkey'),
  LATCHKEY_LOG_LEVEL: z.enum(LOG_LEVELS, { error: `set it to one of ${LOG_LEVELS.join(', ')}` }).default('info'),
  LATCHKEY_KEY: z
    .string()
    .refine((value) => parseKey(value) !== undefined, {
      error: 'give 32 bytes in base64, as from: head -c 32 /dev/urandom | base64',
    })
    .optional(),
  LATCHKEY_KEY_FILE: text(/./, 'give the name of a file').optional(),
  LATCHKEY_FORMER_KEYS: read(
    (value) => (parts(value).every((key) => parseKey(key)) ? parts(value).map((key) => new Secret(key)) : undefined),
    'give keys of 32 bytes in base64, separated by commas',
  ).default([]),
  LATCHKEY_FORMER_KEY_FILES: text(/./, 'give the names of files, separated by commas').transform(parts).default([]),
  LATCHKEY_NEXT_KEY: read((value) => (parseKey(value) ? new Secret(value) : undefined), 'give 32 bytes in base64').optional(),
  LATCHKEY_NEXT_KEY_FILE: text(/./, 'give the name of a file').optional(),
  LATCHKEY_LOST_KEYS: text(
    /^[\w-]{8}(,[\w-]{8})*$/,
    'give key ids separated by commas; the message of the refused start names them',
  )
    .transform(parts)
    .default([]),
  LATCHKEY_INSTANCE: text(/^[1-9][0-9]{9}$/, 'give ten digits; the first must not be 0').optional(),
  LATCHKEY_DEVELOPMENT: z.literal('true', { error: 'set it to true, or unset it' }).optional(),
  LATCHKEY_FOUR_EYES: z.enum(['on', 'off'], { error: 'set it to on or off' }).default('off'),
  LATCHKEY_POOL_SIZE: wholeNumber(2, 150).default(15),
  LATCHKEY_TRUST_PROXY: z.string().transform(proxies).default(false),
  LATCHKEY_SHUTDOWN_SECONDS: wholeNumber(1, 300).default(15),
  LATCHKEY_PENDING_HOURS: wholeNumber(1, 720).default(8),
  LATCHKEY_STUCK_AFTER_SECONDS: wholeNumber(60, 3600).default(300),
  LATCHKEY_KEEP_NOTIFICATIONS_DAYS: wholeNumber(1, 36_500).default(90),
  LATCHKEY_KEEP_OPENINGS_DAYS: wholeNumber(1, 36_500).default(365),
  LATCHKEY_KEEP_STEPS_DAYS: wholeNumber(1, 36_500).default(365),
  LATCHKEY_PROPOSAL_HOURS: wholeNumber(1, 8_760).default(168),
  LATCHKEY_DISCOVERY_MINUTES: wholeNumber(1, 10_080).default(60),
  LATCHKEY_INTEGRATION_FILES: read(
    parseLentFiles,
    'give path=address pairs separated by commas, as in /run/secrets/token=https://target.example.com',
  ).default([]),
  ...providerVariables,
  LATCHKEY_SESSION_IDLE_MINUTES: wholeNumber(5, 1440).default(60),
  LATCHKEY_SESSION_HOURS: wholeNumber(1, 720).default(12),
  LATCHKEY_GROUPS_FRESH_MINUTES: wholeNumber(1, 10_080).default(720),
  LATCHKEY_TOKENS_CONFIRMED_HOURS: wholeNumber(1, 2160).default(72),
  LATCHKEY_SMTP_URL: z
    .string()
    .refine((value) => parseSmtpUrl(value) !== undefined, {
      error:
        'give a URL such as smtp://user:password@host:587 or smtps://host; escape special characters of user and password with %',
    })
    .optional(),
  LATCHKEY_SMTP_FROM: z
    .string()
    .refine((value) => parseMailbox(value) !== undefined, {
      error: 'give an address such as latchkey@example.com or Latchkey <latchkey@example.com>',
    })
    .optional(),
  LATCHKEY_SMTP_TLS: z.enum(['on', 'off'], { error: 'set it to on or off' }).default('on'),
  LATCHKEY_CHECKPOINT_FILE: text(/./, 'give the name of a file').optional(),
  LATCHKEY_CHECKPOINT_SECONDS: wholeNumber(10, 86_400).default(300),
  LATCHKEY_DATABASE_TLS: z.enum(['on', 'off'], { error: 'set it to on or off' }).default('on'),
  LATCHKEY_FSYNC: z.enum(['on', 'off'], { error: 'set it to on or off' }).default('on'),
})
export type Variables = z.output<typeof variables>

function parts(list: string): string[] {
  return list.split(',').map((one) => one.trim())
}
