import { z } from 'zod'
import {
  BrokerError,
  type Credential,
  type GrantAccessAction,
  type GrantInput,
  type Json,
  type RunContext,
  type Step,
} from '../../../src/sdk/index.ts'
import type { Rank } from '../../../vault/index.ts'
import type { VaultClient } from '../client.ts'
import { DELIVERIES } from '../deliveries.ts'
import { type Mount, readMounts } from '../mounts.ts'
import { policyNameFor, userNameFor } from '../names.ts'
import { type PolicyDocument, type PolicyStamp, policyFor, sentenceFor } from '../policy.ts'
import { KV_SECRET } from '../resource-types.ts'
import { firsthand, type Send, sendingIn } from '../send.ts'
import { type Mint, mintPassword, mintToken, stateOf } from './grant-credential.ts'
import { excessOf } from './grant-excess.ts'
import { deletePolicy, deletePolicyIfOurs, extendPolicy, policyGone, policyStands, writePolicy } from './grant-policy.ts'
import { type GrantUser, removeUser, userGone, userStands, writeUser } from './grant-user.ts'

type Context = RunContext<VaultClient>

// Places stand in the steps and not in the settings: what a changed setting no longer names must still be found and removed.
interface UserStep extends Step {
  readonly kind: 'user'
  readonly args: { readonly mount: string; readonly username: string; readonly policy: string; readonly accessor?: string }
}
interface PolicyStep extends Step {
  readonly kind: 'policy'
  readonly args: { readonly name: string; readonly document: PolicyDocument }
}
type GrantStep = UserStep | PolicyStep

const Input = z.object({
  resources: z
    .array(
      z.object({
        type: z.string(),
        name: z.string(),
        attributes: z.record(z.string(), z.json()),
        permissions: z.array(z.string()).min(1),
      }),
    )
    .min(1),
}) satisfies z.ZodType<GrantInput>

const UserRecord = z.object({ writtenAt: z.iso.datetime() })

// A rule with max_wrapping_ttl refuses every request that asks for no wrapping, so no policy can lend reading without it.
const BEYOND = [
  'the grantee keeps what they have read or computed. If they asked for a response-wrapped answer, the server keeps that, too: anybody with its wrapping token can open it once, within the time that the grantee chose, and no policy can forbid it. To void such copies: vault lease revoke -prefix, with the path that was lent.',
]

const MINTS: Readonly<Record<string, (mint: Mint) => Promise<Credential>>> = { token: mintToken, password: mintPassword }

/** Lends secrets and keys: a user that nobody can log in as, and a policy that allows exactly what was approved. */
export const grantAccess: GrantAccessAction<VaultClient, GrantInput, GrantStep> = {
  name: 'grant-access',
  title: 'Grant access',
  input: Input,
  deliveries: DELIVERIES,
  beyondTheEnd: BEYOND,

  async plan(ctx, input) {
    const { userpassMount, policyPrefix } = ctx.client.settings
    const document = policyFor(input.resources)
    const { secret, auth } = await readMounts(sendFor(ctx, 'provisioning'))
    refuseUnknownMounts(ctx, input, secret)
    const accessor = auth.get(userpassMount)?.accessor
    const policy = policyNameFor(policyPrefix, ctx.runId)
    const user: GrantUser = {
      mount: userpassMount,
      username: userNameFor(ctx.instance, ctx.runId),
      policy,
      ...(accessor && { accessor }),
    }
    return [
      {
        kind: 'user',
        target: `auth/${user.mount}/users/${user.username}`,
        summary: 'Creates a user for this grant, with a password that nobody knows and no power yet.',
        args: { ...user },
      },
      {
        kind: 'policy',
        target: `sys/policies/acl/${policy}`,
        summary: sentenceFor(input.resources),
        args: { name: policy, document },
        confersPower: true,
      },
    ]
  },

  async execute(ctx, step) {
    const features = await ctx.client.features(ctx.signal)
    const send = sendFor(ctx, 'provisioning')
    switch (step.kind) {
      case 'user': {
        const msLeft = leftOf(ctx)()
        await writeUser(send, step.args, Math.max(1, Math.floor(msLeft / 1000)), features)
        return { record: writtenNow(ctx, msLeft) }
      }
      case 'policy':
        return { record: { written: true, ...(await writePolicy(send, { ...step.args, stamp: stampOf(ctx), features })) } }
    }
  },

  async verify(ctx, steps) {
    const send = ctx.firsthand ? firsthand(sendFor(ctx, 'background')) : sendFor(ctx, 'background')
    return Promise.all(
      steps.map(({ kind, args, record }) =>
        kind === 'user'
          ? userStands(send, args, longestOf(record, endOf(ctx)))
          : policyStands(send, { ...args, stamp: stampOf(ctx), ends: wroteItsEnd(record) }),
      ),
    )
  },

  async rollback(ctx, step, record) {
    const send = sendFor(ctx, 'ending')
    switch (step.kind) {
      case 'policy':
        if (record === undefined) return deletePolicyIfOurs(send, step.args.name, ctx)
        return deletePolicy(send, step.args.name)
      case 'user':
        return removeUser(send, step.args)
    }
  },

  async verifyGone(ctx, steps) {
    const { client, signal } = ctx
    const looking = { client, signal, send: sendFor(ctx, 'ending'), audited: await client.auditsCorrelation(signal) }
    const evidence = await Promise.all(
      steps.map(({ kind, args }) => (kind === 'user' ? userGone(looking, args) : policyGone(looking, args.name))),
    )
    return evidence.flat()
  },

  async open(ctx, steps, delivery, { keepFormer } = { keepFormer: false }) {
    const user = steps.find((step) => step.kind === 'user')
    const policy = steps.find((step) => step.kind === 'policy')
    if (!user || !policy) throw new TypeError('a grant has a user and a policy')
    const mint = Object.hasOwn(MINTS, delivery) ? MINTS[delivery] : undefined
    if (!mint) throw new TypeError(`there is no delivery ${delivery}`)
    return mint({
      send: sendFor(ctx, 'opening'),
      settings: ctx.client.settings,
      features: await ctx.client.features(ctx.signal),
      user: user.args,
      document: policy.args.document,
      until: endOf(ctx),
      msLeft: leftOf(ctx),
      keepFormer,
    })
  },

  async extend(ctx, steps) {
    const features = await ctx.client.features(ctx.signal)
    for (const step of steps) {
      if (step.kind === 'policy')
        await extendPolicy(sendFor(ctx, 'provisioning'), { ...step.args, stamp: stampOf(ctx), features })
    }
  },

  exceeds: excessOf,

  inspect: (ctx, trace) => stateOf(sendFor(ctx, 'background'), trace),

  expiryGuarantee: (client, delivery) => (delivery === 'token' || client.knownFeatures()?.policyExpiration ? 'server' : 'broker'),
}

/** False for what was written before the journal said so, too. */
function wroteItsEnd(record: Json | undefined): boolean {
  return typeof record === 'object' && record !== null && 'ends' in record && record['ends'] === true
}

function writtenNow(ctx: Context, msLeft: number): Json {
  return { writtenAt: new Date(endOf(ctx).getTime() - msLeft).toISOString() } satisfies z.infer<typeof UserRecord>
}

/** The seconds from when the user was written to the end; unknown for users written before the journal said when. */
function longestOf(record: Json | undefined, until: Date): number | undefined {
  const written = UserRecord.safeParse(record)
  return written.success ? (until.getTime() - Date.parse(written.data.writtenAt)) / 1000 : undefined
}

function sendFor(ctx: Context, rank: Rank): Send {
  return sendingIn(ctx, rank)
}

function stampOf(ctx: Context): PolicyStamp {
  return { instance: ctx.instance, runId: ctx.runId, until: endOf(ctx) }
}

function endOf(ctx: Context): Date {
  if (!ctx.until) throw new TypeError('a grant has an end')
  return ctx.until
}

function leftOf(ctx: Context): () => number {
  if (!ctx.msLeft) throw new TypeError('it is known how much of a grant is left')
  return ctx.msLeft
}

/** A policy for `kv/data/…` on a mount that is not KV v2 would allow something else than it says. */
function refuseUnknownMounts(ctx: Context, input: GrantInput, mounts: readonly Mount[]): void {
  const { kvMounts, transitMounts } = ctx.client.settings
  for (const { type, name, attributes } of input.resources) {
    const [kind, allowed] = type === KV_SECRET ? (['kv', kvMounts] as const) : (['transit', transitMounts] as const)
    const mount = mounts.find((each) => each.path === attributes['mount'] && each.kind === kind)
    if (mount && (allowed === 'all' || allowed.includes(mount.path))) continue
    throw new BrokerError('access.ungrantable', `${name} is not on a ${kind} mount that this integration covers`, {
      field: 'resources',
      fix: 'check the mounts in the integration’s settings, and whether the broker’s policy reaches them',
    })
  }
}
