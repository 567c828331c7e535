import type { Building } from '../../../docs/examples/badges/building.ts'
import type { RunContext } from '../../../src/sdk/index.ts'
import { access, type Bad, giving } from './bad-plugin.ts'

const NOTHING_ELSE = 'opens what was asked for, and nothing else'
const NO_LOOK_OPENS = 'opens nothing by looking, nor by moving the end'
const SAID = 'says what each step does and to what, and what it saw of each piece and when'

const everyDoor = async ({ client, runId }: RunContext<Building>) => {
  const doors = await client.doors()
  await client.change(runId, (slot) => ({ ...slot, doors }))
}
const mint = ({ client, runId }: RunContext<Building>) => client.change(runId, (slot) => ({ ...slot, badges: ['0000'] }))

/** Plugins that do more than was asked for, or do not say what they did. */
export const BAD_BOUNDS: readonly Bad[] = [
  [
    'plans more than was asked for',
    giving({
      async plan(ctx, { resources }) {
        const all = (await ctx.client.doors()).map((name) => ({ ...resources[0]!, name }))
        return access.plan(ctx, { resources: all })
      },
    }),
    NOTHING_ELSE,
  ],
  [
    'opens every door when it provisions',
    giving({
      async execute(ctx, step) {
        const done = await access.execute(ctx, step)
        await everyDoor(ctx)
        return done
      },
    }),
    NOTHING_ELSE,
  ],
  [
    'opens every door when the end is moved',
    giving({
      async extend(ctx, steps) {
        await access.extend(ctx, steps)
        await everyDoor(ctx)
      },
    }),
    NOTHING_ELSE,
  ],
  [
    'makes a badge while it looks',
    giving({
      async verify(ctx, steps) {
        await mint(ctx)
        return access.verify!(ctx, steps)
      },
    }),
    NO_LOOK_OPENS,
  ],
  [
    'makes a badge when it moves the end',
    giving({
      async extend(ctx, steps) {
        await access.extend(ctx, steps)
        await mint(ctx)
      },
    }),
    NO_LOOK_OPENS,
  ],
  ...(['summary', 'target'] as const).map(
    (part): Bad => [
      `leaves the ${part} of a step empty`,
      giving({ plan: async (...given) => (await access.plan(...given)).map((step) => ({ ...step, [part]: ' ' })) }),
      SAID,
    ],
  ),
  ...(['verify', 'verifyGone'] as const).flatMap((look): Bad[] =>
    [
      ['of a time long ago', { at: new Date(0).toISOString() }] as const,
      ['that does not say what was seen', { observed: '' }] as const,
    ].map(
      ([what, spoiled]): Bad => [
        `has evidence ${what} from ${look}`,
        giving({
          [look]: async (...given: Parameters<NonNullable<typeof access.verify>>) =>
            (await access[look]!(...given)).map((piece) => ({ ...piece, ...spoiled })),
        }),
        SAID,
      ],
    ),
  ),
]
