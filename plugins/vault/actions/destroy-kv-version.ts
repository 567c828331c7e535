import type { Action, Irreversible, Step } from '../../../src/sdk/index.ts'
import type { VaultClient } from '../client.ts'
import { sendingFor } from '../send.ts'
import { readHistory } from './kv-history.ts'
import { nameOf } from './kv-place.ts'
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

interface DestroyStep extends Step {
  readonly kind: 'destroy'
  readonly args: OneVersion
}

/** Versions whose content is gone for good. */
export const destroyKvVersion: Action<VaultClient, KvVersions, DestroyStep> & Irreversible = {
  name: 'destroy-kv-version',
  title: 'Destroy versions of a secret',
  description: 'What the named versions hold is gone from the server for good. The history still shows that they existed.',
  severity: 'high',
  irreversible: 'the server removes what a destroyed version held from its storage, and no call brings it back',
  ...ofVersions,
  mustType: nameOf,

  async plan(ctx, input) {
    const { history, found } = await versionsToChange(sendingFor(ctx, 'provisioning'), ctx.client, input)
    const { mount, path } = input
    return found.map(({ version, createdAt, is }) => {
      const isCurrent = version === history.current
      return {
        kind: 'destroy',
        target: `${mount}/destroy/${path}`,
        summary: `Destroys version ${version} of ${nameOf(input)}${isCurrent ? ', the current one' : ''}, for good.`,
        args: { mount, path, version, createdAt },
        before: { version, isCurrent, writtenAt: createdAt, state: is },
      }
    })
  },

  async execute(ctx, { args }) {
    const send = sendingFor(ctx, 'provisioning')
    const { mount, path, version } = args
    const history = await readHistory(send, args)
    if (!history.versions.has(version)) return { record: { gone: version } }
    // Of a number that was given again after a purge, nobody said that it may go.
    const listed = mustBeSame(args, sameVersion(history, args))
    if (listed.is !== 'destroyed')
      await send({ method: 'POST', path: [mount, 'destroy', path], body: { versions: [version] }, repeatable: true })
    return { record: { gone: version } }
  },

  async verify(ctx, steps) {
    const send = sendingFor(ctx, 'background')
    return Promise.all(
      steps.map(async ({ args }) => {
        const history = await readHistory(send, args)
        const is = standingNow(history, args)
        // Another that is destroyed may have been hit in place of ours: it was made between our look and our call.
        const holds = is === 'destroyed' || is === 'no longer kept' || is === 'another, live'
        return evidenceFor(args, history, holds)
      }),
    )
  },
}
