import { expect } from 'vitest'
import type { GrantInput, Step } from '../../../src/sdk/index.ts'
import type { Promised } from './promised.ts'
import type { Trial } from './world.ts'

/** What a plugin says to those who approve. */
export const aboutPlans: readonly Promised[] = [
  {
    says: 'says of a plan that does more, or other things, than the approved one what that is, and of no other',
    async tried(trial) {
      const { access, world } = trial
      if (!access.exceeds) return
      const ctx = world.newRun(trial.client, 120)
      const plan = async (input: GrantInput) => [...(await access.plan(ctx, input))]
      const approved = await plan(world.input)
      expect(access.exceeds(fromTheDatabase(approved), approved)).toBeUndefined()
      for (const { input } of world.beyond) {
        expect(access.exceeds(fromTheDatabase(approved), await plan(input)) ?? '').toMatch(/\S/)
      }
      const [first, ...others] = world.input.resources
      if (others.length === 0) return
      const less = await plan({ resources: [first!] })
      expect(access.exceeds(fromTheDatabase(approved), less)).toBeUndefined()
      expect(access.exceeds(fromTheDatabase(less), approved) ?? '').toMatch(/\S/)
    },
  },
  {
    says: 'says in sentences what no end of the access reaches',
    async tried({ access }: Trial) {
      const { beyondTheEnd } = access
      if (!beyondTheEnd) return
      expect(beyondTheEnd.length, 'where there is nothing, it is left out').toBeGreaterThan(0)
      expect(beyondTheEnd.filter((sentence) => !/\S+\s+\S+/.test(sentence))).toEqual([])
      expect(new Set(beyondTheEnd).size).toBe(beyondTheEnd.length)
    },
  },
]

/** It keeps what a step means, and not in which order its fields were written. */
function fromTheDatabase(steps: readonly Step[]): Step[] {
  return steps.map((step) => turned(JSON.parse(JSON.stringify(step))) as Step)
}

function turned(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(turned)
  const fields = Object.entries(value).map(([name, field]) => [name, turned(field)] as const)
  return Object.fromEntries(fields.toReversed())
}
