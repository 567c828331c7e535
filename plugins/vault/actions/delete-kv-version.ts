import {
  type Action,
  BrokerError,
  type Journaled,
  type Json,
  type Outlook,
  type Reversible,
  type Step,
} from '../../../src/sdk/index.ts'
import type { VaultClient } from '../client.ts'
import { sendingFor } from '../send.ts'
import { kvCommand } from './kv-command.ts'
import { deletionIn, isNotOurs, mayBeAnothers, NOT_OURS } from './kv-deletion.ts'
import { type KvHistory, readHistory } from './kv-history.ts'
import { nameOf } from './kv-place.ts'
import { deleteVersion } from './kv-version.ts'
import {
  evidenceFor,
  type KvVersions,
  mustBeSame,
  type OneVersion,
  ofVersions,
  sameVersion,
  standingNow,
  versionsToChange,
} from './kv-versions-input.ts'
import { inOne, noWayBack } from './outlooks.ts'
import { ifAllowed } from './rights-back.ts'

interface DeleteStep extends Step {
  readonly kind: 'delete'
  readonly args: OneVersion & { readonly deletesItselfAt?: string }
}

/** Versions that nobody can read until they are undeleted. The server keeps what they hold. */
export const deleteKvVersion: Action<VaultClient, KvVersions, DeleteStep> & Reversible<VaultClient, DeleteStep> = {
  name: 'delete-kv-version',
  title: 'Delete versions of a secret',
  description: 'The named versions can no longer be read. The server keeps what they hold, so they can be brought back.',
  severity: 'medium',
  ...ofVersions,

  async plan(ctx, input) {
    const { history, found } = await versionsToChange(sendingFor(ctx, 'provisioning'), ctx.client, input)
    const { mount, path } = input
    return found.map(({ version, createdAt, is, deletedAt }, at) => {
      if (is === 'deleted') {
        throw new BrokerError('input.invalid', `version ${version} of ${nameOf(input)} is already deleted`, {
          field: `input.versions.${at}`,
          fix: 'leave that version out',
        })
      }
      const isCurrent = version === history.current
      return {
        kind: 'delete',
        target: `${mount}/delete/${path}`,
        summary: `Deletes version ${version} of ${nameOf(input)}${isCurrent ? ', the current one: everybody who reads the secret gets nothing' : ''}. It can be brought back.`,
        args: { mount, path, version, createdAt, ...(deletedAt && { deletesItselfAt: deletedAt }) },
        before: { version, isCurrent, writtenAt: createdAt, ...(deletedAt && { deletesItselfAt: deletedAt }) },
      }
    })
  },

  async execute(ctx, { args, record }) {
    const send = sendingFor(ctx, 'provisioning')
    const history = await readHistory(send, args)
    const before = mustBeSame(args, sameVersion(history, args))
    // Where an earlier try may have been heard, the deletion is taken for its own.
    if (before.is !== 'live' && !ctx.again) {
      await ctx.remember?.(NOT_OURS)
      throw deletedFirst(args, before.is)
    }
    const lookedAt = before.is === 'live' ? history.at : deletionIn(record).lookedAt
    if (before.is === 'live') {
      await ctx.remember?.({ lookedAt: history.at })
      await deleteVersion(send, args, args.version)
    }
    const after = sameVersion(await readHistory(send, args), args)
    return { record: { deletedAt: after?.deletedAt ?? null, ...(lookedAt !== undefined && { lookedAt }) } }
  },

  async verify(ctx, steps) {
    const send = sendingFor(ctx, 'background')
    return Promise.all(
      steps.map(async ({ args }) => {
        const history = await readHistory(send, args)
        // Another that is deleted may have been hit in place of ours: it was made between our look and our call.
        const is = standingNow(history, args)
        return evidenceFor(args, history, is !== 'live' && is !== 'another, deleted')
      }),
    )
  },

  async rollback(ctx, step, record) {
    if (isNotOurs(record)) return
    const send = sendingFor(ctx, 'ending')
    const { mount, path, version } = step.args
    const history = await readHistory(send, step.args)
    const why = whyNotBack({ ...step, record }, history)
    if (why && !isNeverDone(record, why)) throw inTheWay(why.because, why.fix)
    if (why || sameVersion(history, step.args)?.is !== 'deleted') return
    await send({ method: 'POST', path: [mount, 'undelete', path], body: { versions: [version] }, repeatable: true })
    // The server says yes to versions that it has nothing of, too.
    const after = sameVersion(await readHistory(send, step.args), step.args)
    if (after?.is !== 'live') throw inTheWay(`version ${version} of ${nameOf(step.args)} is ${after?.is ?? 'no longer kept'}`)
  },

  async verifyGone(ctx, steps) {
    const send = sendingFor(ctx, 'ending')
    return Promise.all(
      steps.map(async (step) => {
        const history = await readHistory(send, step.args)
        const why = whyNotBack(step, history)
        const wasNeverOurs = isNotOurs(step.record) || (why !== undefined && isNeverDone(step.record, why))
        return evidenceFor(step.args, history, wasNeverOurs || sameVersion(history, step.args)?.is === 'live')
      }),
    )
  },

  async outlook(ctx, steps) {
    const send = sendingFor(ctx, 'background')
    const place = steps[0]?.args // all of them are versions of one secret
    if (!place) return inOne([])
    const history = await readHistory(send, place)
    const outlook = inOne(steps.filter(({ record }) => !isNotOurs(record)).map((step) => outlookOf(step, history)))
    return ifAllowed(send, outlook, { path: `${place.mount}/undelete/${place.path}`, right: 'update' })
  },
}

function outlookOf(step: Journaled<DeleteStep>, history: KvHistory): Outlook {
  const why = whyNotBack(step, history)
  if (why) return noWayBack(why)
  const caveat = deletesItselfAt(step)
  const summary = `Version ${step.args.version} of ${nameOf(step.args)} can be read again.`
  return { isPossible: true, ...(caveat && { because: caveat }), restores: [{ target: step.target, summary }] }
}

interface Obstacle {
  readonly because: string
  readonly fix?: string
  /** nobody knows who deleted it */
  readonly isDoubt?: true
}

/** Of a deletion whose outcome nobody kept, what cannot be taken back any more is not missed. */
function isNeverDone(record: Json | undefined, { isDoubt }: Obstacle): boolean {
  return deletionIn(record).deletedAt === undefined && !isDoubt
}

/** Why this deletion cannot be taken back, or undefined. */
function whyNotBack({ args, record }: Journaled<DeleteStep>, history: KvHistory): Obstacle | undefined {
  const listed = sameVersion(history, args)
  const which = `version ${args.version} of ${nameOf(args)}`
  if (!listed) return { because: `${which} is no longer kept` }
  if (listed.is === 'destroyed') return { because: `${which} is destroyed` }
  if (listed.is !== 'deleted') return undefined
  const deletion = deletionIn(record)
  if (deletion.deletedAt && listed.deletedAt !== deletion.deletedAt)
    return { because: `somebody has since brought ${which} back and deleted it again` }
  if (!mayBeAnothers(listed.deletedAt, deletion)) return undefined
  return {
    because: `somebody else may have deleted ${which} before the call of this run arrived, so it stays deleted`,
    isDoubt: true,
    fix: `if it is to be read again, ${kvCommand('undelete', args, args.version)}`,
  }
}

/** Bringing a version back takes away when it would have been deleted by itself; no call sets that. */
function deletesItselfAt({ args }: DeleteStep): string | undefined {
  if (!args.deletesItselfAt) return undefined
  return `the server would have deleted version ${args.version} of ${nameOf(args)} at ${args.deletesItselfAt}; once it is brought back, the server keeps it`
}

function deletedFirst(place: OneVersion, is: string): BrokerError {
  const message = `version ${place.version} of ${nameOf(place)} was ${is} after this was planned, and not by this run`
  return new BrokerError('target.conflict', message, {
    fix: 'start again with the versions that are still to be deleted',
  })
}

function inTheWay(because: string, fix = 'write what you need as a new version'): BrokerError {
  return new BrokerError('conflict', `nothing was brought back: ${because}`, { fix })
}
