import { access, type Bad, giving, opening } from './bad-plugin.ts'

const IN_2099 = new Date('2099-01-01T00:00:00Z')
const ENDS = 'has the target end the access at the grant’s end, and says who guarantees it'
const NOT_AFTERWARDS = 'lets nobody in after the end, where it says that the target guarantees it'
const MOVES = 'moves the end when it is told to, and sees whether that was done'

const openUntil2099 = giving({
  async open(ctx, ...rest) {
    const credential = await access.open(ctx, ...rest)
    await ctx.client.change(ctx.runId, (slot) => ({ ...slot, ends: IN_2099.toISOString() }))
    return credential
  },
})

/** Plugins whose access ends otherwise than they say, or never. */
export const BAD_ENDS: readonly Bad[] = [
  ['provisions until 2099', giving({ execute: (ctx, step) => access.execute({ ...ctx, until: IN_2099 }, step) }), ENDS],
  ['opens until 2099', openUntil2099, ENDS],
  ['opens until 2099 and says that the target ends it in time', openUntil2099, NOT_AFTERWARDS],
  [
    'opens after the end, for an hour more',
    giving({
      async open(ctx, ...rest) {
        const credential = await access.open(ctx, ...rest)
        const inAnHour = new Date(Date.now() + 3_600_000).toISOString()
        if (new Date() > ctx.until!) await ctx.client.change(ctx.runId, (slot) => ({ ...slot, ends: inAnHour }))
        return credential
      },
    }),
    NOT_AFTERWARDS,
  ],
  ['says that its badge ends in 2099', opening(() => ({ endsAt: IN_2099 })), ENDS],
  ['moves no end', giving({ extend: async ({ stillMine }) => stillMine() }), MOVES],
  ['moves the end to 2099', giving({ extend: (ctx, steps) => access.extend({ ...ctx, until: IN_2099 }, steps) }), MOVES],
  [
    'does not see that the end is another',
    giving({
      async verify(ctx, steps) {
        const pieces = await access.verify!(ctx, steps)
        return pieces.map((piece) => ({ ...piece, holds: piece.observed !== 'is not there' }))
      },
    }),
    MOVES,
  ],
]
