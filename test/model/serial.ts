import type { Outcome } from './caller.ts'
import type { Call } from './commands.ts'
import type { Model } from './model.ts'
import { type Act, mayHappen } from './permits.ts'
import { after, unsure } from './reducer.ts'

/** What may be true after calls with these outcomes: one came after the other, whatever their order; none when that cannot be. */
export function serial(model: Model, acts: readonly Act<Call>[], outcomes: readonly Outcome[]): Model[] {
  const pairs = acts.map((act, at) => ({ act, outcome: outcomes[at]! }))
  if (pairs.length < 2) return inOrder(model, pairs)
  const isOpenedTwice = acts.every(({ command }) => command.do === 'open')
  const orders = [pairs, pairs.toReversed()].flatMap((order) => inOrder(model, order, isOpenedTwice))
  // Which of two openings was the later, and whether before or after an extension, nobody can tell from outside.
  return orders.map((one) => ({
    ...one,
    asks: one.asks.map((ask) => (ask.grant ? { ...ask, grant: unsure(ask.grant) } : ask)),
  }))
}

function inOrder(
  model: Model,
  order: readonly { readonly act: Act<Call>; readonly outcome: Outcome }[],
  mayCollide = false,
): Model[] {
  let models = [model]
  for (const { act, outcome } of order) {
    models = models.flatMap((before) => {
      // An ask that came second is another one than it would have been as the first.
      const now = act.command.do === 'ask' ? { ...act, target: before.asks.length } : act
      const may = mayCollide && act.command.do === 'open' ? 'either' : mayHappen(before, now)
      return [true, false]
        .filter(
          (accepted) =>
            (outcome === 'unknown' || outcome === accepted) && (may === 'either' || may === accepted || outcome === 'unknown'),
        )
        .filter((accepted) => !(accepted && may === false))
        .map((accepted) => after(before, now, accepted))
    })
  }
  return models
}
