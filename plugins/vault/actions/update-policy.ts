import { z } from 'zod'
import {
  type Action,
  BrokerError,
  isBrokerError,
  type Journaled,
  type Json,
  type Outlook,
  type Reversible,
  type Step,
} from '../../../src/sdk/index.ts'
import type { VaultClient } from '../client.ts'
import { evidenceOf, lookOf } from '../evidence.ts'
import { type Send, sendingFor } from '../send.ts'
import { inOne } from './outlooks.ts'
import { mustBeChangeable } from './policy-allowed.ts'
import { getImage, meansTheSame, type PolicyImage, type PolicyLook, readImage, writeImage } from './policy-image.ts'
import { powersIn } from './policy-powers.ts'
import { ifAllowed } from './rights-back.ts'

const Input = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_.-]{0,127}$/, 'must be lower-case letters, digits, `_`, `-` and `.`, as the server stores names')
    .refine((name) => !name.includes('..'), 'must not have two dots in a row')
    .meta({ title: 'Policy' }),
  document: z
    .string()
    .min(1)
    .max(200_000)
    .refine((text) => text.isWellFormed(), 'must be valid Unicode')
    .refine(
      (text) => !/\\u[dD][89a-fA-F]/.test(text),
      'must hold characters beyond \\uffff unescaped: the server stops reading at such an escape',
    )
    .refine((text) => !/^[\w+/=\s-]*$/.test(text), 'must be a policy in HCL or JSON, not encoded')
    .meta({ title: 'Document', description: 'HCL or JSON; it replaces the whole document' }),
})
type Input = z.infer<typeof Input>

interface UpdateStep extends Step {
  readonly kind: 'policy'
  readonly args: { readonly name: string; readonly document: string; readonly replaces: PolicyImage | null }
}

/** `untouched`: what stood there before stands there; `written`: our document; `other`: something else, or nothing. */
type Standing = PolicyLook & { readonly is: 'untouched' | 'written' | 'other' }

const NO_CAS =
  'this server has no check-and-set for policies. The broker looks right before it writes; a change by somebody else in that instant would be overwritten'

const NO_CAS_REMOVAL =
  'servers remove policies without check-and-set. The broker looks right before it removes this one; a change by somebody else in that instant would be lost'

/** Replaces the document of a Vault policy. Undone by putting back all that stood there. */
export const updatePolicy: Action<VaultClient, Input, UpdateStep> & Reversible<VaultClient, UpdateStep> = {
  name: 'update-policy',
  title: 'Change a Vault policy',
  description: 'The policy gets the given document. It counts from the next request of every token that has the policy.',
  severity: 'high',
  input: Input,
  weigh: ({ document }) => ({ because: powersIn(document) }),
  writes: ({ name }) => [`policy ${name}`],

  async plan(ctx, { name, document }) {
    const send = sendingFor(ctx, 'provisioning')
    await mustBeChangeable(send, ctx.client.settings, name)
    const { found } = await readImage(send, name)
    if (found?.document === document) {
      throw new BrokerError('input.invalid', `the policy ${name} already has this document`, {
        field: 'input.document',
        fix: 'send a document that differs, if something is to change',
      })
    }
    return [
      {
        kind: 'policy',
        target: `sys/policies/acl/${name}`,
        summary: found
          ? `Replaces the document of the policy ${name} for every token that has it.`
          : `Writes the policy ${name}, which is not there yet.`,
        args: { name, document, replaces: found ?? null },
        before: found ?? null,
      },
    ]
  },

  async execute(ctx, step) {
    const send = sendingFor(ctx, 'provisioning')
    const { name, document, replaces } = step.args
    await mustBeChangeable(send, ctx.client.settings, name)
    const standing = await standingOf(send, step)
    const isOfAnotherNumber = standing.is === 'untouched' && standing.found?.version !== replaces?.version
    if (standing.is === 'other' || isOfAnotherNumber) throw wroteFirst(name)
    if (standing.is === 'untouched') {
      await written(send, step, { ...replaces, document }, standing.found, 'written', () => wroteFirst(name))
    }
    return { record: { replaced: replaces, ...versionAfter(replaces, standing) } }
  },

  async verify(ctx, steps) {
    const send = sendingFor(ctx, 'background')
    return Promise.all(
      steps.map(async (step) => {
        const standing = await standingOf(send, step)
        return evidenceFor(step, standing, standing.is === 'written')
      }),
    )
  },

  async rollback(ctx, step, record) {
    const send = sendingFor(ctx, 'ending')
    const { name, replaces } = step.args
    const standing = await standingOf(send, { ...step, record })
    if (standing.is === 'untouched') return
    // Nobody knows that it was ever written, and it is not there now: then nothing of this run is.
    if (standing.is === 'other' && record === undefined) return
    if (standing.is === 'other') throw inTheWay(name, standing)
    if (replaces) return written(send, step, replaces, standing.found, 'untouched', (now) => inTheWay(name, now))
    await send({ method: 'DELETE', path: ['sys/policies/acl', name], repeatable: true })
  },

  async verifyGone(ctx, steps) {
    const send = sendingFor(ctx, 'ending')
    return Promise.all(
      steps.map(async (step) => {
        const standing = await standingOf(send, step)
        const isNotOurs = standing.is === 'other' && step.record === undefined
        return evidenceFor(step, standing, standing.is === 'untouched' || isNotOurs)
      }),
    )
  },

  async outlook(ctx, steps) {
    const send = sendingFor(ctx, 'background')
    return inOne(await Promise.all(steps.map((step) => outlookOf(send, step))))
  },
}

async function outlookOf(send: Send, step: Journaled<UpdateStep>): Promise<Outlook> {
  const { name, replaces } = step.args
  const standing = await standingOf(send, step)
  if (standing.is === 'other') return { isPossible: false, because: changedSince(name, standing), restores: [] }
  const caveat = caveatOf(replaces, standing.found)
  const what = replaces ? `The policy ${name} has its former document again.` : `The policy ${name} is removed.`
  const outlook = {
    isPossible: true,
    ...(caveat && { because: caveat }),
    ...(replaces?.expiration && { until: replaces.expiration }),
    restores: standing.is === 'untouched' && step.record !== undefined ? [] : [{ target: step.target, summary: what }],
  }
  return ifAllowed(send, outlook, { path: `sys/policies/acl/${name}`, right: replaces ? 'update' : 'delete' })
}

/** What no look can keep from happening. */
function caveatOf(replaces: PolicyImage | null, found: PolicyImage | undefined): string | undefined {
  if (!replaces) return NO_CAS_REMOVAL
  return (found ?? replaces).version === undefined ? NO_CAS : undefined
}

/** By the number where the server counts, and by what it says everywhere. */
async function standingOf(send: Send, { args, record }: Journaled<UpdateStep>): Promise<Standing> {
  const { name, document, replaces } = args
  const look = await readImage(send, name)
  const { found } = look
  if (meansTheSame(found, replaces ?? undefined)) return { ...look, is: 'untouched' }
  const version = versionIn(record) ?? (found?.version === undefined ? undefined : (replaces?.version ?? 0) + 1)
  if (meansTheSame(found, { ...replaces, document }) && (version === undefined || found?.version === version))
    return { ...look, is: 'written' }
  return { ...look, is: 'other' }
}

/** Writes over what was seen; who came in between is met by the server's check, and what we wrote ourselves by what we find. */
async function written(
  send: Send,
  step: UpdateStep,
  image: PolicyImage,
  over: PolicyImage | undefined,
  then: Standing['is'],
  refusal: (now: Standing) => BrokerError,
): Promise<void> {
  try {
    await writeImage(send, step.args.name, image, over)
  } catch (error) {
    if (isBrokerError(error, 'target.invalid')) throw unfit(error)
    if (!isBrokerError(error, 'target.conflict')) throw error
    const now = await standingOf(send, step)
    if (now.is !== then) throw refusal(now)
  }
}

function versionAfter(replaces: PolicyImage | null, { found, is }: Standing): { version?: number } {
  if (is === 'written') return found?.version === undefined ? {} : { version: found.version }
  return replaces?.version === undefined ? {} : { version: replaces.version + 1 }
}

function versionIn(record: Json | undefined): number | undefined {
  if (typeof record !== 'object' || record === null || !('version' in record)) return undefined
  return typeof record['version'] === 'number' ? record['version'] : undefined
}

function evidenceFor({ args: { name } }: UpdateStep, { answer, is, found }: Standing, holds: boolean) {
  const words = { untouched: 'as it was before', written: 'as this run wrote it', other: found ? 'otherwise' : 'not there' }
  return evidenceOf(`policy ${name}`, holds, lookOf(getImage(name), answer, `${answer.status}, ${words[is]}`))
}

function changedSince(name: string, { found }: PolicyLook): string {
  return found
    ? `somebody has since changed the policy ${name}`
    : `somebody has since removed the policy ${name}, or it has expired`
}

function wroteFirst(name: string): BrokerError {
  return new BrokerError('target.conflict', `somebody changed the policy ${name} after this was planned`, {
    fix: 'look at its present document, and start again',
  })
}

function inTheWay(name: string, now: PolicyLook): BrokerError {
  return new BrokerError('conflict', `nothing was restored: ${changedSince(name, now)}`, {
    fix: 'compare its present document with the former one, and write the right one by hand',
  })
}

function unfit(refused: BrokerError): BrokerError {
  return new BrokerError('target.invalid', refused.message, {
    cause: refused,
    field: 'input.document',
    fix: 'correct the document as the server says; nothing was changed',
    requestId: refused.requestId,
  })
}
