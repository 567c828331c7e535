import { z } from 'zod'
import { BrokerError, secret } from '../../../src/sdk/index.ts'
import { secretsIn } from '../conformance/world.ts'
import { access, type Bad, giving, good, plugin, said } from './bad-plugin.ts'

const ITSELF = 'says what it is, and has a guide'
const HEALTHY = 'is healthy where everything is as it should be'
const SEALED = 'declares each secret of its configuration, so that it is sealed and no form or answer shows it'
const TELLS_APART = 'names the same system each time it is asked, and another one otherwise'
const BY_ITSELF = 'names the system as it names itself, and not by the configuration that leads to it'
const QUIET = 'tells no secret of its configuration where it fails'

/** What the bad ones below have read of configurations. */
const codes = new Set<string>()

/** Plugins that say what is not so, of themselves and of their target. */
export const BAD_WORDS: readonly Bad[] = [
  ['names a field that its configuration has not', plugin({ secretsGoTo: ['folder', 'host'] }), ITSELF],
  ['has no guide', plugin({ manifest: { ...good.manifest, guide: 'docs/not-there.md' } }), ITSELF],
  [
    'takes any configuration',
    plugin({ config: z.strictObject({ folder: z.string() }) }),
    'refuses a wrong configuration for the field that is wrong',
  ],
  [
    'keeps the code that it is given in clear',
    plugin({ config: z.strictObject({ folder: z.string().min(1), code: z.string().min(1).optional() }) }),
    SEALED,
  ],
  [
    'keeps a copy of the code in clear',
    plugin({
      config: z
        .strictObject({ folder: z.string().min(1), code: secret({ title: 'Code' }).optional() })
        .transform((typed) => ({ ...typed, link: `doors://:${typed.code?.reveal()}@building` })),
    }),
    SEALED,
  ],
  [
    'has a field for a token in clear, which this building does without',
    plugin({
      config: z.strictObject({
        folder: z.string().min(1),
        code: secret({ title: 'Code' }).optional(),
        login: z.union([z.literal('none'), z.strictObject({ doorToken: z.string().min(1) })]).optional(),
      }),
    }),
    SEALED,
  ],
  [
    'allows a delivery that it has not',
    plugin({ allowedDeliveries: () => ['key'] }),
    'allows only deliveries and actions that it has',
  ],
  [
    'is never healthy',
    plugin({ health: async () => [{ name: 'doors', status: 'failed', detail: 'shut', fix: 'open them' }] }),
    HEALTHY,
  ],
  ['warns without a remedy', plugin({ health: async () => [{ name: 'doors', status: 'warning', detail: 'old' }] }), HEALTHY],
  [
    'is always healthy',
    plugin({ health: async () => [{ name: 'doors', status: 'ok', detail: 'fine' }] }),
    'finds what is wrong, and says what to do',
  ],
  [
    'finds what is wrong and has no remedy',
    plugin({ health: async (...given) => (await good.health(...given)).map(({ fix: _, ...check }) => check) }),
    'finds what is wrong, and says what to do',
  ],
  ['takes every system for the same', plugin({ identify: async () => ({ building: 'the building' }) }), TELLS_APART],
  ['takes one system for another each time', plugin({ identify: async () => ({ building: `${Math.random()}` }) }), TELLS_APART],
  [
    'takes the address in its configuration for the name of the system',
    plugin({ identify: async (client) => ({ building: client.folder }) }),
    BY_ITSELF,
  ],
  [
    'sends its code elsewhere without asking for it again',
    plugin({ secretsGoTo: ['code'] }),
    'asks for its secrets again where the configuration leads to another system',
  ],
  [
    'tells its code where a grant is over',
    plugin({
      connect: async (config, host) => {
        for (const code of secretsIn(config)) codes.add(code)
        return good.connect(config, host)
      },
      grantAccess: {
        ...access,
        open: (...given) =>
          access.open(...given).catch((error: Error) => {
            throw new BrokerError('target.not_found', `${error.message} (asked with ${[...codes].join()})`)
          }),
      },
    }),
    QUIET,
  ],
  [
    'passes on an error of its client that has its code in it',
    plugin({
      connect: async (config, host) => {
        for (const code of secretsIn(config)) codes.add(code)
        return good.connect(config, host)
      },
      async *discover(...given) {
        try {
          yield* good.discover!(...given)
        } catch {
          throw new BrokerError('target.failed', 'no answer', { cause: new Error(`GET /doors as ${[...codes].join()}`) })
        }
      },
    }),
    QUIET,
  ],
  [
    'says that its session does not stand',
    plugin({ session: () => ({ ok: false, detail: 'over' }) }),
    'keeps its own session with the target, and says how it stands',
  ],
  [
    'advises nothing',
    plugin({ minimumPolicy: () => ({ document: '', commands: [] }) }),
    'advises what the broker needs in the target',
  ],
  [
    'discovers everything twice',
    plugin({
      async *discover(...given) {
        yield* good.discover!(...given)
        yield* good.discover!(...given)
      },
    }),
    'discovers what there is, each folder and each name once',
  ],
  [
    'discovers a value',
    plugin({
      async *discover(client) {
        const attributes = { behind: 'canary-behind-the-door' }
        const resources = (await client.doors()).map((name) => ({ type: 'badges-door', name, attributes }))
        yield { folder: '', folders: [], resources }
      },
    }),
    'shows no secret of the target or of its configuration in what it finds, says and advises',
  ],
  [
    'describes what nobody asked for',
    plugin({ describe: async () => [{ type: 'badges-door', name: 'vestibule', tags: {} }] }),
    'describes what it discovered, and nothing else',
  ],
  [
    'finds every sign',
    plugin({ leaveSign: async () => 'sign', findsSign: async () => true }),
    'finds a sign that it left, and no other',
  ],
  [
    'lets errors of its client through',
    plugin({
      async *discover(client) {
        const resources = (await client.doors()).map((name) => ({ type: 'badges-door', name, attributes: {} }))
        yield { folder: '', folders: [], resources }
      },
    }),
    'says in the broker’s words what cannot be done',
  ],
  [
    'takes a target that is not there for one where nothing is left',
    giving({ verifyGone: (...given) => access.verifyGone!(...given).catch(() => [said('there is no slot', true)]) }),
    'takes nothing for gone where the target cannot be asked',
  ],
  [
    'says that it is undone where the target cannot be asked',
    giving({ rollback: (...given) => access.rollback(...given).catch(() => given[0].stillMine()) }),
    'takes nothing for gone where the target cannot be asked',
  ],
]
