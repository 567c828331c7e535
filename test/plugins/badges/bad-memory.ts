import type { Building } from '../../../docs/examples/badges/building.ts'
import { BrokerError, isBrokerError, type RunContext } from '../../../src/sdk/index.ts'
import { type Access, access, type Bad, giving, good, plugin, said } from './bad-plugin.ts'

const GOES_ON = 'goes on after a restart: executes, looks, opens, moves the end and takes back with nothing in memory'

const made = new WeakMap<Building, Set<string>>()
const madeBy = (client: Building) => made.get(client) ?? made.set(client, new Set()).get(client)!
const remembers = ({ client, runId }: Pick<RunContext<Building>, 'client' | 'runId'>) => madeBy(client).has(runId)

/** Keeps with the client object what it has made. */
const remembering = (change: Partial<Access>) =>
  giving({
    async execute(ctx, step) {
      const done = await access.execute(ctx, step)
      madeBy(ctx.client).add(ctx.runId)
      return done
    },
    async rollback(ctx, ...rest) {
      await access.rollback(ctx, ...rest)
      madeBy(ctx.client).delete(ctx.runId)
    },
    ...change,
  })

/** Plugins that know only what the present client object has seen. */
export const BAD_MEMORY: readonly Bad[] = [
  [
    'takes back only what it remembers',
    remembering({ rollback: async (ctx, ...rest) => (remembers(ctx) ? access.rollback(ctx, ...rest) : ctx.stillMine()) }),
    GOES_ON,
  ],
  [
    'opens only what it remembers',
    remembering({
      async open(ctx, ...rest) {
        if (!remembers(ctx)) throw new BrokerError('target.not_found', 'there is no slot')
        return access.open(ctx, ...rest)
      },
    }),
    GOES_ON,
  ],
  [
    'moves only the end that it remembers',
    remembering({ extend: async (ctx, steps) => (remembers(ctx) ? access.extend(ctx, steps) : ctx.stillMine()) }),
    GOES_ON,
  ],
  [
    'reads from its memory whether the access is there',
    remembering({ verify: async (ctx) => [said('the slot is there', remembers(ctx))] }),
    GOES_ON,
  ],
  [
    'reads from its memory that nothing is left',
    remembering({ verifyGone: async (ctx) => [said('there is no slot', !remembers(ctx))] }),
    GOES_ON,
  ],
  [
    'takes a badge that it does not remember for void',
    remembering({ inspect: async (ctx) => (remembers(ctx) ? 'unknown' : 'ended') }),
    GOES_ON,
  ],
  [
    'carries out only what it planned',
    giving({
      async plan(ctx, input) {
        madeBy(ctx.client).add(ctx.runId)
        return access.plan(ctx, input)
      },
      execute: async (ctx, step) => (remembers(ctx) ? access.execute(ctx, step) : {}),
    }),
    GOES_ON,
  ],
  [
    'finds by its mark only what it remembers',
    {
      ...remembering({}),
      async *marked(client, signal) {
        for await (const piece of good.marked!(client, signal)) if (remembers({ client, runId: piece.runId! })) yield piece
      },
    },
    GOES_ON,
  ],
  [
    'sees only what it remembers stand again',
    {
      ...remembering({}),
      async standsAgain(client, asked, signal) {
        const standing = await good.standsAgain!(client, asked, signal)
        return standing.filter((runId) => remembers({ client, runId }))
      },
    },
    GOES_ON,
  ],
]

const PASSES = 'tells what may pass by itself from what will not'
const STOPS = 'stops where it is told to, and ends no walk then as if it were whole'

type Code = ConstructorParameters<typeof BrokerError>[0]
const always = (code: Code) => (error: Error) => {
  if (isBrokerError(error, 'run.fenced')) throw error
  throw new BrokerError(code, error.message, { cause: error })
}

async function* withCode<Piece>(code: Code, pieces: AsyncIterable<Piece>): AsyncIterable<Piece> {
  try {
    yield* pieces
  } catch (error) {
    always(code)(error as Error)
  }
}

const failingAlways = (code: Code) => ({
  ...giving({
    execute: (...given) => access.execute(...given).catch(always(code)),
    open: (...given) => access.open(...given).catch(always(code)),
    extend: (...given) => access.extend(...given).catch(always(code)),
  }),
  discover: (...given: Parameters<NonNullable<typeof good.discover>>) => withCode(code, good.discover!(...given)),
})

/** Plugins that fail otherwise than they should, or do not stop. */
export const BAD_FAILURES: readonly Bad[] = [
  ['says of every failure that it lasts', failingAlways('target.invalid'), PASSES],
  ['says of every failure that it passes', failingAlways('target.unreachable'), PASSES],
  ['says of what it cannot discover that it lasts', { ...good, discover: failingAlways('target.not_found').discover }, PASSES],
  [
    'says that an opening may do later where nothing is there any more',
    giving({ open: (...given) => access.open(...given).catch(always('target.unready')) }),
    PASSES,
  ],
  [
    'goes on discovering when it is told to stop',
    plugin({ discover: (client, folders) => good.discover!(client, folders, new AbortController().signal) }),
    STOPS,
  ],
  [
    'ends a walk that was stopped as if it were whole',
    plugin({
      async *discover(client, folders, signal) {
        if (!signal.aborted) yield* good.discover!(client, folders, signal)
      },
    }),
    STOPS,
  ],
  [
    'goes on looking for its marks when it is told to stop',
    plugin({ marked: (client) => good.marked!(client, new AbortController().signal) }),
    STOPS,
  ],
]
