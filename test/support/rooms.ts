/** Which room may import which, from the ground up. What stands behind a colon is for types alone: it is gone when the code runs. */
export const MAY_IMPORT: Record<string, string> = {
  'src/sdk': '',
  'src/contract': '',
  'src/config': 'src/contract src/sdk',
  // What every program that calls the broker goes through: command line, demo.
  'src/api-client': 'src/contract src/sdk',
  'src/platform': 'src/config src/contract src/sdk migrations',
  'src/audit': 'src/platform src/config src/contract src/sdk',
  'src/identity': 'src/audit src/platform src/config src/contract src/sdk',
  // Changes that a second person accepts: known to whatever can be proposed.
  'src/changes': 'src/identity src/audit src/platform src/config src/contract src/sdk',
  // Its one import of a plugin has a test of its own.
  'src/catalog': 'plugins src/identity src/audit src/platform src/contract src/sdk',
  'src/integrations': 'src/catalog src/changes src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/actions': 'src/integrations src/catalog src/identity src/audit src/platform src/contract src/sdk',
  'src/distribution':
    'src/runs src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/contract src/sdk',
  'src/approvals': 'src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/runs':
    'src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/rotation':
    'src/runs src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/contract src/sdk',
  'src/grants':
    'src/approvals src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/access':
    'src/runs src/grants src/approvals src/actions src/integrations src/catalog src/changes src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/notifications':
    'src/access src/rotation src/approvals src/changes src/identity src/audit src/platform src/config src/contract src/sdk',
  'src/last-words.ts': 'src/config src/sdk',
  'src/app.module.ts':
    'src/notifications src/access src/distribution src/rotation src/runs src/audit src/identity src/changes src/integrations src/catalog src/platform src/config : src/sdk',
  'src/app.ts': 'src/app.module.ts src/platform src/config : src/sdk',
  'src/main.ts': 'src/app.ts src/last-words.ts src/platform src/config : src/sdk',
  // Commands that work on the database itself go no higher than who is who and what happened.
  'src/cli': 'src/api-client src/identity src/audit src/platform src/config src/last-words.ts src/contract src/sdk',
  migrations: '',
  // The demo brings its own database, with the launcher the daemon has.
  dev: 'src/api-client src/contract src/sdk src/platform',
  // In the browser: what it knows of the broker is the wire.
  portal: 'src/api-client src/contract',
  bench: 'src/sdk src/contract src/platform src/identity src/config src/app.ts src/main.ts dev plugins : src/access src/grants',
}

/** A plugin imports the SDK and its target's client: the root's folder of its name, for other programs too, which knows nothing of the broker. */
export function mayImport(part: string, clients: readonly string[]): string {
  if (part.startsWith('plugins/')) return `src/sdk ${part.slice('plugins/'.length)}`
  return clients.includes(part) ? '' : (MAY_IMPORT[part] ?? 'nothing')
}

/** What of npm each part may use; node's own modules are for all but the sdk and the contract. */
export const MAY_USE: Record<string, RegExp> = {
  'src/sdk': /^zod$/,
  'src/contract': /^zod$/,
  'src/platform': /^(@nestjs\/.+|@opentelemetry\/.+|express|nestjs-pino|node:.+|pg|pino|pino-http|typeorm|zod)$/,
  'src/config': /^(zod|pg|node:.+)$/,
  'src/changes': /^(@nestjs\/(common|core|schedule|swagger)|express|rxjs|zod|node:.+)$/,
  'src/notifications': /^(@nestjs\/(common|swagger)|@opentelemetry\/api|ipaddr\.js|nodemailer|undici|zod|node:.+)$/,
  'src/distribution': /^(@nestjs\/(common|schedule|swagger)|express|node-forge|zod|node:.+)$/,
  'src/rotation': /^(@nestjs\/(common|core|schedule|swagger)|croner|zod|node:.+)$/,
  'src/identity':
    /^(@nestjs\/(common|core|swagger)|connect-pg-simple|express|express-session|jose|openid-client|rxjs|undici|zod|node:.+)$/,
  'src/app.ts': /^(@nestjs\/.+|helmet|pino|reflect-metadata)$/,
  'src/cli': /^(commander|openid-client|typeorm|undici|zod|node:.+)$/,
  migrations: /^typeorm$/,
  // What every plugin and every client may use, unless it has a line of its own.
  plugins: /^(zod|node:.+)$/,
  clients: /^node:.+$/,
  vault: /^(undici|node:.+)$/,
  'plugins/vault': /^(zod|@node-rs\/bcrypt|node:.+)$/,
  portal: /^(@mantine\/core(\/styles\.css)?|@mantine\/hooks|@tanstack\/react-(query|router)|react|react-dom\/client|zod)$/,
  dev: /^(oidc-provider|pg|playwright-core|undici|zod|node:.+)$/,
  bench: /./,
}
export const MAY_USE_ELSEWHERE = /^(@nestjs\/(common|core|schedule|swagger)|@opentelemetry\/api|express|zod|node:.+)$/

/** Where the core says what is a word of a target as well, which one, and why. */
export const NAMES_TARGETS: readonly { readonly place: string; readonly word: RegExp; readonly because: string }[] = [
  { place: 'src/catalog/plugins.ts', word: /^vault$/, because: 'it is the list of plugins' },
  { place: 'src/platform/due/', word: /^leases?$/, because: 'a row of due work is leased to a replica' },
  { place: 'src/actions/outage.ts', word: /^target\./, because: 'rows of 0.1.0 have these codes' },
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
