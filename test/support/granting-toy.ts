import { z } from 'zod'
import { type AnyPlugin, type GrantAccessAction, type GrantInput, Secret } from '../../src/sdk/index.ts'
import { type ToyClient, type ToyTarget, toyPlugin } from './toy-plugin.ts'

/** The toy, which lets people in as well: a door for each grant, open until it is undone. */
export function grantingToy(target: ToyTarget): AnyPlugin {
  const doors = new Set<string>()
  const grantAccess: GrantAccessAction<ToyClient, GrantInput> = {
    name: 'grant-access',
    title: 'Open a door',
    input: z.custom<GrantInput>(),
    deliveries: [
      { name: 'token', title: 'Key, put in a box', shows: 'wrapped' },
      { name: 'password', title: 'Key', shows: 'once' },
    ],
    plan: async ({ runId }, { resources }) => [
      {
        kind: 'door',
        target: `doors/${runId}`,
        summary: 'Lets the grantee in.',
        args: { to: resources.map((resource) => resource.name) },
        confersPower: true,
      },
    ],
    execute: async (_context, step) => {
      doors.add(step.target)
      return {}
    },
    rollback: async (_context, step) => {
      doors.delete(step.target)
    },
    verifyGone: async (_context, steps) =>
      steps.map((step) => ({
        artefact: step.target,
        holds: !doors.has(step.target),
        observed: doors.has(step.target) ? 'open' : 'gone',
        at: new Date().toISOString(),
      })),
    open: async ({ until = new Date() }, _steps, delivery) => ({
      delivery,
      fields: [{ name: 'key', label: 'Key', value: new Secret('canary-the-key-of-the-door') }],
      prepare: [],
      usage: [],
      endsAt: until,
      trace: null,
    }),
    extend: async () => {},
    inspect: async () => 'waiting',
    expiryGuarantee: () => 'broker',
  }
  return { ...toyPlugin(target), grantAccess }
}
