import type { Mutant } from '../mutant.ts'

/** Of access that ends, and of what notices that it did not. */
export const ENDINGS: readonly Mutant[] = [
  {
    bug: 'cut writes “powerless” without asking whose the run is',
    file: 'src/actions/undo.ts',
    find: `const done = await this.stillOurs(tx, cut, hooks)`,
    replace: `await hooks.lock(tx, cut)\n      const done = cut`,
    suites: ['two-holders'],
    only: 'does not say that the grant is powerless',
  },
  {
    bug: 'a receipt is written by who lost the run',
    file: 'src/actions/undo.ts',
    find: `const done = await this.stillOurs(tx, proved, hooks)`,
    replace: `await hooks.lock(tx, proved)\n      const done = proved`,
    suites: ['two-holders'],
    only: 'does not say that the grant is over',
  },
  {
    bug: 'cut takes the first step back and not the one that confers power',
    file: 'src/actions/undo.ts',
    find: "meantOf(one.run, 'power'), hold",
    replace: 'one.run.steps.slice(0, 1).filter(mayHaveHappened), hold',
    suites: ['two-holders'],
    only: 'is undone last first',
  },
  {
    bug: 'access is taken away in whatever system answers',
    file: 'src/actions/undo.ts',
    find: `mustBeSameTarget(one.run, target)
      await`,
    replace: `await`,
    suites: ['moves'],
    only: 'ends, opens and proves nothing',
  },
  {
    bug: 'a sick target’s shard is not paused',
    file: 'src/actions/undo.ts',
    find: 'if (outage) hold.pauseShard(this.pauses.longer(shard))',
    replace: '',
    suites: ['lost-work'],
    only: 'for longer and longer',
  },
  {
    bug: 'a target that is away is never called well again for minutes',
    file: 'src/actions/outage.ts',
    find: 'const LONGEST_MS = 3_000',
    replace: 'const LONGEST_MS = 300_000',
    suites: ['lost-work'],
    only: 'for longer and longer',
  },
  {
    bug: 'ending a grant leaves its provisioning due',
    file: 'src/grants/ending/ending.ts',
    find: '[GRANT_WORK.provision, GRANT_WORK.extend]',
    replace: '[GRANT_WORK.extend]',
    suites: [],
    equivalent: 'the row finds a grant that is not provisioning any more, and is done without an effect',
  },
  {
    bug: 'the transition of a grant to revoking is not in the trail',
    file: 'src/grants/transition.ts',
    find: 'await record(tx, ...told)',
    replace: `await record(tx, ...told.slice(event === 'end' ? 1 : 0))`,
    suites: ['patience'],
    only: 'leaves every turn of its way',
  },
]
