import { BrokerError } from '../../../src/sdk/index.ts'
import { access, type Bad, badgeIn, giving, opening, said } from './bad-plugin.ts'

const KEPT_IN = 'keeps a credential out of everything but its fields'

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
]
