/** Which room may import which, from the ground up. What stands behind a colon is for types alone: it is gone when the code runs. */
export const MAY_IMPORT: Record<string, string> = {
  'src/sdk': '',
  'src/contract': '',
  'src/config': 'src/sdk : src/contract',
  // What every program that calls the broker goes through: command line, demo.
  'src/api-client': 'src/contract src/sdk',
  'src/platform': 'src/config src/contract src/sdk migrations',
  'src/audit': 'src/platform src/contract src/sdk',
  'src/identity': 'src/audit src/platform src/config src/contract src/sdk',
  // Changes that a second person accepts: known to whatever can be proposed.
  'src/changes': 'src/identity src/audit src/platform src/contract src/sdk : src/config',
  // Its one import of a plugin has a test of its own.
  'src/catalog': 'plugins src/platform src/contract src/sdk',
  'src/integrations': 'src/catalog src/changes src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/actions': 'src/integrations src/catalog src/platform src/sdk',
  'src/distribution':
    'src/runs src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/contract src/sdk',
  'src/approvals': 'src/identity src/audit src/platform src/contract src/sdk : src/config',
  'src/runs': 'src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/contract src/sdk',
  'src/rotation': 'src/runs src/actions src/integrations src/changes src/identity src/audit src/platform src/contract src/sdk',
  'src/grants':
    'src/approvals src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/contract src/sdk : src/config',
  'src/access':
    'src/runs src/grants src/approvals src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/contract src/sdk',
  'src/notifications':
    'src/rotation src/approvals src/changes src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/last-words.ts': 'src/config src/sdk',
  'src/app.module.ts':
    'src/notifications src/access src/distribution src/rotation src/runs src/audit src/identity src/changes src/integrations src/catalog src/platform : src/sdk',
  'src/app.ts': 'src/app.module.ts src/platform : src/config src/sdk',
  'src/main.ts': 'src/app.ts src/last-words.ts src/platform src/config',
  // Commands that work on the database itself go no higher than who is who and what happened.
  'src/cli': 'src/api-client src/identity src/audit src/platform src/config src/last-words.ts src/contract src/sdk',
  migrations: '',
  // The demo brings its own database, with the launcher the daemon has.
  dev: 'src/api-client src/contract src/sdk src/platform',
  // In the browser: what it knows of the broker is the wire.
  portal: 'src/api-client src/contract',
  bench: 'src/platform src/identity dev : src/contract',
}

/** A plugin imports the SDK and its target’s client: the root’s folder of its name, for other programs too, which knows nothing of the broker. */
export function mayImport(
  part: string,
  clients: readonly string[],
  table: Readonly<Record<string, string>> = MAY_IMPORT,
): string {
  const [top, name = ''] = part.split('/')
  if (top === 'plugins') return clients.includes(name) ? `src/sdk ${name}` : 'src/sdk'
  return clients.includes(part) ? '' : (table[part] ?? 'nothing')
}

/** What every room of the core may use of npm, and of node. */
export const MAY_USE_ELSEWHERE =
  '@nestjs/common @nestjs/core @nestjs/schedule @nestjs/swagger @opentelemetry/api express zod node:*'

/** What of npm each part may use: beside that, where it begins with a plus, or nothing else. */
export const MAY_USE: Record<string, string> = {
  'src/sdk': 'zod',
  'src/contract': 'zod',
  'src/api-client': 'zod',
  'src/config': 'zod pg node:*',
  'src/platform':
    '+ @nestjs/common/internal @nestjs/platform-express @opentelemetry/exporter-prometheus @opentelemetry/sdk-metrics nestjs-pino pg pino pino-http typeorm',
  'src/changes': '+ rxjs',
  'src/notifications': '+ ipaddr.js nodemailer undici',
  'src/distribution': '+ node-forge',
  'src/rotation': '+ croner',
  'src/identity': '+ connect-pg-simple express-session jose openid-client rxjs undici',
  'src/app.ts': '@nestjs/common @nestjs/core @nestjs/platform-express helmet pino reflect-metadata',
  'src/cli': 'commander openid-client typeorm undici zod node:*',
  migrations: 'typeorm',
  // What every plugin and every client may use, unless it has a line of its own.
  plugins: 'zod node:*',
  clients: 'node:*',
  vault: 'undici node:*',
  'plugins/vault': 'zod @node-rs/bcrypt node:*',
  portal:
    '@mantine/core @mantine/core/styles.css @mantine/hooks @tanstack/react-query @tanstack/react-router react react-dom/client',
  dev: 'oidc-provider pg playwright-core undici node:*',
  bench: '@node-rs/bcrypt graphile-worker pg pg-boss undici node:*',
}

/** It names plugins, and nothing else in the core does. */
export const LISTS_PLUGINS = 'src/catalog/plugins.ts'
/** Where the core says what is a word of a target as well, which one, and why. */
export const NAMES_TARGETS: readonly { readonly place: string; readonly word: RegExp; readonly because: string }[] = [
  { place: 'src/platform/due/', word: /^leases?$/, because: 'a row of due work is leased to a replica' },
  { place: 'src/identity/', word: /^auth\/(signed-in|\*path)$/, because: 'people sign in at addresses below /auth' },
  { place: 'src/actions/outage.ts', word: /^target\./, because: 'rows of 0.1.0 have these codes' },
]

/** Words of several parts that plugins say as everybody does, and whose they are; codes of errors are the broker's. */
export const BOTH_SAY: readonly { readonly words: string; readonly because: string }[] = [
  { words: 'no-store request-id http_proxy https_proxy', because: 'HTTP has them' },
  { words: 'rsa_pkcs1 rsa_pss_pss rsa_pss_rsae', because: 'TLS has them' },
  { words: 'ecdsa_secp256r1_sha256 ecdsa_secp384r1_sha384 ecdsa_secp521r1_sha512', because: 'TLS has them' },
  { words: 'common_name private_key serial_number', because: 'certificates have them' },
  { words: 'display_name', because: 'SCIM has it' },
  { words: 'unrecognized_keys', because: 'zod says it of every input' },
]

/** Likewise, whether a plugin says them by now or not: an API over HTTP has fields of these names, and so has the core. */
export const ANYBODY_SAYS: readonly { readonly words: string; readonly because: string }[] = [
  { words: 'content_type user_agent', because: 'HTTP has headers of these names' },
  { words: 'redirect_uri refresh_token', because: 'OpenID Connect has them' },
  { words: 'last_used_at is_admin member_ids public_key', because: 'APIs about people and keys have them' },
]

/** Where the wall clock is read, and not only said in a plugin. Whatever decides about access compares times in SQL or with the target's own. */
export const CLOCKS: Record<string, string> = {
  'src/actions/calls.ts': 'when a call was about to be made, for the receipt',
  'src/platform/ids.ts': 'ids sort by their time; nothing decides by it',
  'src/integrations/health/health.service.ts':
    'the time of a finding that is answered but not stored, as its integration changed',
  'plugins/vault/features.ts': 'an expiration that is far enough, to see whether the server takes one',
  'plugins/vault/probe-names.ts': 'whether a probe is over: some minutes more or less do no harm',
  'vault/session.ts': 'when the session ends, for people to read',
  'vault/transport.ts': 'when an answer came, for the receipt',
}
