import { aboutAccess } from './about-access.ts'
import { aboutAsking } from './about-asking.ts'
import { aboutBounds } from './about-bounds.ts'
import { aboutCertificates } from './about-certificates.ts'
import { aboutEnds } from './about-ends.ts'
import { aboutFailures } from './about-failures.ts'
import { aboutItself } from './about-itself.ts'
import { aboutMarks } from './about-marks.ts'
import { aboutPlans } from './about-plans.ts'
import { aboutRestarts } from './about-restarts.ts'
import { aboutSecrets } from './about-secrets.ts'
import { aboutTheTarget } from './about-the-target.ts'
import { REVERSIBLE } from './reversible-action.ts'
import { type AnyWorld, Trial } from './world.ts'

/** Something every plugin promises: a sentence about it, and how it is tried. Throws where it is not kept. */
export interface Promised {
  readonly says: string
  readonly tried: (trial: Trial) => Promise<void>
}

/** Access is an action with an undo. */
const aboutUndo: readonly Promised[] = REVERSIBLE.map(({ says, tried }) => ({
  says: `giving access: ${says}`,
  tried: ({ access, client, world }) =>
    tried({
      action: access,
      input: world.input,
      newRun: () => world.newRun(client, 120),
      snapshot: () => world.snapshot(),
      stop: async () => {},
    }),
}))

export const PROMISED: readonly Promised[] = [
  ...aboutItself,
  ...aboutTheTarget,
  ...aboutPlans,
  ...aboutAccess,
  ...aboutAsking,
  ...aboutMarks,
  ...aboutCertificates,
  ...aboutBounds,
  ...aboutEnds,
  ...aboutSecrets,
  ...aboutRestarts,
  ...aboutFailures,
  ...aboutUndo,
]

/** What a plugin promises and does not keep. Each promise is tried in a world of its own. */
export async function brokenPromises(setUp: () => Promise<AnyWorld>, among = PROMISED): Promise<string[]> {
  const broken = await Promise.all(
    among.map(async ({ says, tried }) => {
      const world = await setUp()
      try {
        const trial = await Trial.begin(world)
        await tried(trial)
        await trial.end()
        return []
      } catch {
        return [says]
      } finally {
        await world.stop()
      }
    }),
  )
  return broken.flat()
}
