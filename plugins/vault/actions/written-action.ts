import type { Evidence, Journaled, Json, Outlook, Reversible, Step } from '../../../src/sdk/index.ts'
import type { VaultClient } from '../client.ts'
import { type Send, sendingFor } from '../send.ts'
import { nameOf } from './kv-place.ts'
import { type Standing, standingOf, type Writing } from './kv-standing.ts'
import { handOf, putBack } from './kv-writing.ts'
import { inOne } from './outlooks.ts'

/** What tells one action whose steps each write a secret from another. */
interface Written<S extends Step> {
  writingOf(step: S, record?: Json): Writing
  evidenceFor(step: S, standing: Standing, holds: boolean): Evidence
  outlookOf(send: Send, step: Journaled<S>): Promise<Outlook>
}

type Undo<S extends Step> = Required<Pick<Reversible<VaultClient, S>, 'rollback' | 'verifyGone' | 'outlook'>>
type Verify<S extends Step> = { verify: Undo<S>['verifyGone'] }

/** How steps that write secrets are read back, undone, and looked at beforehand. */
export function writtenAndUndone<S extends Step>({ writingOf, evidenceFor, outlookOf }: Written<S>): Undo<S> & Verify<S> {
  const looked = (
    send: Send,
    steps: readonly Journaled<S>[],
    holds: (standing: Standing) => boolean,
    { afterUndo }: { afterUndo?: true } = {},
  ) =>
    Promise.all(
      steps.map(async (step): Promise<Evidence> => {
        const standing = await standingOf(send, writingOf(step, step.record))
        const evidence = evidenceFor(step, standing, holds(standing))
        return afterUndo && standing.is === 'untouched' ? { ...evidence, wasUntouched: true } : evidence
      }),
    )
  return {
    verify: (ctx, steps) => looked(sendingFor(ctx, 'background'), steps, ({ is }) => is === 'written'),
    rollback: (ctx, step, record) => putBack(handOf(ctx, 'ending'), writingOf(step, record)),
    verifyGone: (ctx, steps) =>
      looked(sendingFor(ctx, 'ending'), steps, ({ is }) => is === 'restored' || is === 'untouched', { afterUndo: true }),
    async outlook(ctx, steps) {
      const send = sendingFor(ctx, 'background')
      return inOne(
        await Promise.all(
          steps.map(async (step) => {
            const outlook = await outlookOf(send, step)
            return outlook.isPossible ? outlook : (unlooked(writingOf(step, step.record)) ?? outlook)
          }),
        ),
      )
    },
  }
}

/** A way back begins with the look that nobody answered, and there may be something to give back: whatever else stands there. */
function unlooked({ place, unchecked }: Writing): Outlook | undefined {
  if (!unchecked || unchecked.looked) return undefined
  const { version } = unchecked
  const name = nameOf(place)
  return {
    isPossible: true,
    because: `nobody could look what version ${version} of ${name} was written over: that is looked at first, and what somebody else had there is written again`,
    restores: [
      {
        target: `${place.mount}/data/${place.path}`,
        summary: `What version ${version} of ${name} was written over is looked at.`,
      },
    ],
  }
}
