import { access, type Bad, badgeIn, giving, inTwoSteps, opening, said, unfenced } from './bad-plugin.ts'

const LETS_IN = 'lets in the one who opens, by each delivery it allows, and cuts what was opened before'
const TAKES_POWER = 'takes the power away with the first step back, and gives it to nobody afterwards'
const ASKS = 'asks whose the run is before each request that must not be another’s, and not once before several'
const FENCED = 'acts for no run that another process has taken over'

/** Plugins that let in others than they should, or take back other things. */
export const BAD_ACCESS: readonly Bad[] = [
  [
    'makes a badge at once that somebody may know',
    giving({
      async execute(ctx, step) {
        const done = await access.execute(ctx, step)
        await ctx.client.change(ctx.runId, (slot) => ({ ...slot, badges: ['0000'] }))
        return done
      },
    }),
    'lets nobody in by provisioning alone',
  ],
  [
    'lets the badge that was opened before go on',
    giving({ open: (ctx, steps, delivery) => access.open(ctx, steps, delivery, { keepFormer: true }) }),
    LETS_IN,
  ],
  ['opens by a delivery that nobody declared', opening(() => ({ delivery: 'key' })), LETS_IN],
  [
    'shows the badge as if it were no secret',
    opening((credential) => ({ fields: [{ name: 'badge', label: 'Badge', value: badgeIn(credential) }] })),
    LETS_IN,
  ],
  [
    'cuts the badge that was to be kept',
    giving({ open: (ctx, steps, delivery) => access.open(ctx, steps, delivery) }),
    'leaves what was opened before to its own end where it is told to',
  ],
  ['reads nothing back', giving({ verify: async () => [] }), 'reads back whether the access is there'],
  [
    'always reads back that the access is there',
    giving({ verify: async () => [said('the slot is there', true)] }),
    'reads back whether the access is there',
  ],
  [
    'always reads back that nothing is left',
    giving({ verifyGone: async () => [said('there is no slot', true)] }),
    'reads back that each piece is gone, and does not say so before',
  ],
  ...(['slot', 'reservation'] as const).map(
    (piece): Bad => [
      `reads back of two pieces that the ${piece} alone is gone`,
      {
        ...inTwoSteps,
        grantAccess: {
          ...inTwoSteps.grantAccess!,
          verifyGone: async (...given) =>
            (await inTwoSteps.grantAccess!.verifyGone!(...given)).filter(({ artefact }) => artefact.startsWith(piece)),
        },
      },
      'reads back that each piece is gone, and does not say so before',
    ],
  ),
  [
    'takes every badge for collected',
    giving({ inspect: async () => 'collected' }),
    'tells whether a credential was collected, or that it cannot tell',
  ],
  ['takes nothing back with the first step', giving({ rollback: async ({ stillMine }) => stillMine() }), TAKES_POWER],
  [
    'opens what was taken back',
    giving({
      async open(...given) {
        const [ctx, [step]] = given
        if (!(await ctx.client.slot(ctx.runId))) await access.execute(ctx, step!)
        return access.open(...given)
      },
    }),
    TAKES_POWER,
  ],
  [
    'brings back by an extension what is gone',
    giving({
      async extend(ctx, [step]) {
        if (await ctx.client.slot(ctx.runId)) return access.extend(ctx, [step!])
        await access.execute(ctx, step!)
      },
    }),
    'brings nothing back by moving the end of what is gone',
  ],
  [
    'takes everybody’s access back',
    giving({
      async rollback({ client, stillMine }) {
        stillMine()
        for (const slot of await client.slots()) await client.remove(slot)
      },
    }),
    'takes one grant back and leaves its neighbour’s alone',
  ],
  [
    'asks once whose the run is, and opens with two requests',
    giving({
      async open(ctx, ...rest) {
        const credential = await access.open(ctx, ...rest)
        await ctx.client.change(ctx.runId, (slot) => slot)
        return credential
      },
    }),
    ASKS,
  ],
  [
    'asks once whose the run is, and takes back with two requests',
    giving({
      async rollback(ctx, ...rest) {
        if (await ctx.client.slot(ctx.runId)) await ctx.client.change(ctx.runId, (slot) => ({ ...slot, badges: [] }))
        await access.rollback(ctx, ...rest)
      },
    }),
    ASKS,
  ],
  ['provisions without asking whose the run is', giving({ execute: (ctx, step) => access.execute(unfenced(ctx), step) }), FENCED],
  ['takes back without asking', giving({ rollback: (ctx, ...rest) => access.rollback(unfenced(ctx), ...rest) }), FENCED],
  ['opens without asking', giving({ open: (ctx, ...rest) => access.open(unfenced(ctx), ...rest) }), FENCED],
  ['moves the end without asking', giving({ extend: (ctx, steps) => access.extend(unfenced(ctx), steps) }), FENCED],
  [
    'asks whose the run is when it has already moved the end',
    giving({
      async extend(ctx, steps) {
        await access.extend(unfenced(ctx), steps)
        ctx.stillMine()
      },
    }),
    FENCED,
  ],
]
