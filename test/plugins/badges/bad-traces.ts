import type { Building } from '../../../docs/examples/badges/building.ts'
import { BrokerError, type RunContext } from '../../../src/sdk/index.ts'
import { access, type Bad, badgeIn, giving, opening, said } from './bad-plugin.ts'

const KEPT_IN = 'keeps a credential out of everything but its fields'

const GONE = 'says of each piece that it is gone, and of none that it may stay or was left alone where nothing hindered it'
const AS_MANY = 'makes as many credentials as it hands over, and leaves none'

/** One that adds a badge to each that it is told to make. */
const generous = (ctx: RunContext<Building>): RunContext<Building> => {
  const client: Building = Object.create(ctx.client)
  client.change = (name, change) =>
    ctx.client.change(name, (slot) => {
      const next = change(slot)
      return { ...next, badges: [...next.badges, '0000'] }
    })
  return { ...ctx, client }
}

/** Plugins that show a secret, or leave something behind. */
export const BAD_TRACES: readonly Bad[] = [
  [
    'tells the badge in its usage',
    opening((credential) => ({ usage: [`# hold ${badgeIn(credential)} to the reader`] })),
    KEPT_IN,
  ],
  [
    'tells the badge in what makes a shell ready',
    opening((credential) => ({ prepare: [`badge=${badgeIn(credential)}`] })),
    KEPT_IN,
  ],
  ['keeps the badge in its trace', opening((credential) => ({ trace: { badge: badgeIn(credential) } })), KEPT_IN],
  [
    'shows the badge as plain text besides',
    opening((credential) => ({ fields: [...credential.fields, { name: 'copy', label: 'Copy', value: badgeIn(credential) }] })),
    KEPT_IN,
  ],
  [
    'reads the badge back for everybody to see',
    giving({
      async verify(ctx, steps) {
        const observed = ((await ctx.client.slot(ctx.runId))?.badges ?? []).join()
        return (await access.verify!(ctx, steps)).map((piece) => ({ ...piece, observed }))
      },
    }),
    KEPT_IN,
  ],
  [
    'leaves something behind',
    giving({
      async rollback({ client, runId, stillMine }) {
        stillMine()
        if (await client.slot(runId)) await client.change(runId, (slot) => ({ ...slot, doors: [], badges: [] }))
      },
    }),
    'giving access: executes twice as once',
  ],
  [
    'takes back only what it remembers',
    giving({
      execute: async (...given) => ({ ...(await access.execute(...given)), record: 'made' }),
      rollback: async (ctx, step, record) => (record ? access.rollback(ctx, step, record) : ctx.stillMine()),
    }),
    'giving access: leaves no trace after rollback, wherever it stopped and whatever it could still remember',
  ],
  [
    'says that something is left when nothing is',
    giving({ verifyGone: async () => [said('the slot is there', false)] }),
    'giving access: proves what it did, and afterwards that it is gone',
  ],
  [
    'writes while it plans',
    giving({
      async plan(ctx, input) {
        await ctx.client.put('planned', { doors: [], badges: [], ends: `${Math.random()}` })
        return access.plan(ctx, input)
      },
    }),
    'giving access: plans without writing, and the same each time',
  ],
  [
    'says of no step that it confers power',
    giving({ plan: async (...given) => (await access.plan(...given)).map(({ confersPower: _, ...step }) => step) }),
    'giving access: has one step that confers power where it gives access, the last it plans, and none elsewhere',
  ],
  [
    'fails where there is nothing left to take back',
    giving({
      async rollback(ctx, ...rest) {
        if (!(await ctx.client.slot(ctx.runId))) throw new BrokerError('target.not_found', 'there is no slot')
        return access.rollback(ctx, ...rest)
      },
    }),
    'giving access: rolls back what is already rolled back',
  ],
  [
    'records what no journal can keep',
    giving({
      execute: async (...given) => ({ ...(await access.execute(...given)), record: { at: new Date() as unknown as string } }),
      async rollback(ctx, step, record) {
        if (record && !((record as { at: unknown }).at instanceof Date)) throw new TypeError('that is no record')
        await access.rollback(ctx, step, record)
      },
    }),
    'giving access: rolls back what is already rolled back',
  ],
  [
    'says of everything that it may stay',
    giving({
      verifyGone: async (...given) =>
        (await access.verifyGone!(...given)).map((piece) => ({ ...piece, holds: false, mayStay: 'it opens nothing' })),
    }),
    GONE,
  ],
  [
    'says of what is still there that it may stay',
    giving({
      verifyGone: async (...given) =>
        (await access.verifyGone!(...given)).map((piece) => ({ ...piece, ...(!piece.holds && { mayStay: 'it opens nothing' }) })),
    }),
    GONE,
  ],
  [
    'says of everything that it never touched it',
    giving({
      verifyGone: async (...given) => (await access.verifyGone!(...given)).map((piece) => ({ ...piece, wasUntouched: true })),
    }),
    GONE,
  ],
  [
    'names only pieces that are left',
    giving({ verifyGone: async (...given) => (await access.verifyGone!(...given)).filter(({ holds }) => !holds) }),
    GONE,
  ],
  [
    'makes a second badge when it opens, and tells nobody',
    giving({ open: (ctx, ...rest) => access.open(generous(ctx), ...rest) }),
    AS_MANY,
  ],
  [
    'makes a second badge in a slot of its own, and leaves it',
    giving({
      async open(ctx, ...rest) {
        const slot = (await ctx.client.slot(ctx.runId))!
        await ctx.client.put(`${ctx.runId}-too`, { ...slot, badges: ['0000'] })
        return access.open(ctx, ...rest)
      },
    }),
    AS_MANY,
  ],
  [
    'makes a badge when it moves the end of what is open',
    giving({
      async extend(ctx, steps) {
        const isOpened = ((await ctx.client.slot(ctx.runId))?.badges ?? []).length > 0
        await access.extend(isOpened ? generous(ctx) : ctx, steps)
      },
    }),
    AS_MANY,
  ],
]
