import { z } from 'zod'
import { type Action, BrokerError, type Irreversible, type Json, type Step } from '../../../src/sdk/index.ts'
import type { VaultAnswer } from '../../../vault/index.ts'
import type { VaultClient, VaultSettings } from '../client.ts'
import { evidenceOf, lookOf } from '../evidence.ts'
import { type Send, sendingFor } from '../send.ts'

const Input = z.strictObject({
  accessor: z
    .string()
    .regex(/^[\w.-]{8,128}$/, 'must be an accessor: letters, digits, `_`, `-` and `.`')
    .refine((text) => !/^(?:hv[sbr]|[sbr])\./.test(text), 'must be the accessor of a token, never the token itself')
    .meta({ title: 'Accessor', description: 'of the token; never the token itself' }),
  force: z.boolean().default(false).meta({
    title: 'Even so',
    description: 'true: also revoke a root token, or a token on which the broker’s own session may depend',
  }),
})
type Input = z.infer<typeof Input>

interface RevokeStep extends Step {
  readonly kind: 'token'
  readonly args: Input
}

/** Ends a token, and with it every token and lease that was made with it. */
export const revokeToken: Action<VaultClient, Input, RevokeStep> & Irreversible = {
  name: 'revoke-token',
  title: 'Revoke a token',
  description: 'The server refuses the token from its next request on, and every token and lease that was made with it.',
  severity: 'medium',
  irreversible: 'the server never gives the same token again: its holder must log in again, and what was leased with it is gone',
  input: Input,
  weigh: ({ force }) =>
    force
      ? { severity: 'high', because: ['`force` also ends a root token, or one on which the broker’s own session may depend.'] }
      : { because: ['It ends one token, which is neither a root token nor the broker’s own.'] },
  mustType: ({ accessor, force }) => (force ? accessor : undefined),
  writes: ({ accessor }) => [`token ${accessor}`],

  async plan(ctx, input) {
    const send = sendingFor(ctx, 'provisioning')
    const { data, status } = await send(lookUp(input.accessor))
    if (status !== 200) {
      throw new BrokerError('input.invalid', 'the server knows no token with this accessor', {
        field: 'input.accessor',
        fix: 'the token may have ended already; batch tokens have no accessor',
      })
    }
    await mustBeSpared(send, ctx.client.settings, input, data)
    return [
      {
        kind: 'token',
        target: `token ${input.accessor}`,
        summary: `Ends the token ${textOf(data, 'display_name') ?? 'without a name'} of ${textOf(data, 'path') ?? 'an unknown login'}, and every token and lease that was made with it.`,
        args: input,
        before: shown(data),
      },
    ]
  },

  async execute(ctx, { args }) {
    const send = sendingFor(ctx, 'provisioning')
    const { data, status } = await send(lookUp(args.accessor))
    if (status === 200) {
      await mustBeSpared(send, ctx.client.settings, args, data)
      const body = { accessor: args.accessor }
      // Between its end and its removal a token is unknown here, too.
      await send({ method: 'POST', path: ['auth/token/revoke-accessor'], body, accept: [400], repeatable: true })
    }
    return { record: { revoked: true } }
  },

  async verify(ctx, steps) {
    const send = sendingFor(ctx, 'background')
    return Promise.all(
      steps.map(async ({ args: { accessor } }) => {
        const call = lookUp(accessor)
        const answer = await send(call)
        const isGone = answer.status !== 200
        const look = lookOf(call, answer, isGone ? `${answer.status}, the server knows no such token` : '200, it is alive')
        return evidenceOf(`token ${accessor}`, isGone, look)
      }),
    )
  },
}

function lookUp(accessor: string) {
  const body = { accessor }
  return { method: 'POST', path: ['auth/token/lookup-accessor'], body, accept: [400, 404], repeatable: true } as const
}

type Facts = VaultAnswer['data']

/** Throws for tokens that the broker lives by, and for those that nobody may end by mistake. */
async function mustBeSpared(send: Send, { policyName }: VaultSettings, { accessor, force }: Input, found: Facts): Promise<void> {
  const { data: own } = await send({ method: 'GET', path: ['auth/token/lookup-self'], repeatable: true })
  if (own['accessor'] === accessor) {
    throw new BrokerError('input.invalid', 'this is the broker’s own session', {
      field: 'input.accessor',
      fix: 'to end it, remove the integration, or take the rights of its role away',
    })
  }
  const refuse = (why: string) => {
    throw new BrokerError('input.invalid', why, { field: 'input.force', fix: 'set `force` to true if you mean it' })
  }
  if (force) return
  if (policiesOf(found).includes('root')) refuse('this is a root token')
  if (policiesOf(found).includes(policyName))
    refuse('this token has the broker’s own policy and may be another replica’s session')
  // Whose child a token is no server tells.
  if (own['orphan'] !== true && Number(found['creation_time']) <= Number(own['creation_time']))
    refuse('the broker’s own session was made with another token, which may be this one')
}

/** What people decide by. The token itself is in no answer to its accessor. */
function shown(data: Facts): Json {
  return {
    displayName: textOf(data, 'display_name') ?? null,
    policies: policiesOf(data),
    loggedInAt: textOf(data, 'path') ?? null,
    issuedAt: textOf(data, 'issue_time') ?? null,
    expiresAt: textOf(data, 'expire_time') ?? null,
    ttlSeconds: typeof data['creation_ttl'] === 'number' ? data['creation_ttl'] : null,
    orphan: data['orphan'] === true,
    entity: textOf(data, 'entity_id') ?? null,
    children: 'the server does not list them; they end with the token',
  }
}

function policiesOf(data: Facts): string[] {
  return [data['policies'], data['identity_policies']].flatMap((names) => (Array.isArray(names) ? names.map(String) : []))
}

function textOf(data: Facts, key: string): string | undefined {
  const value = data[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}
