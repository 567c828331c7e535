import fc from 'fast-check'
import { type Command, stories } from './commands.ts'
import type { Ground } from './ground.ts'
import { House } from './house.ts'
import { Story } from './story.ts'

/** How long the broker may take to get where it must; once it failed, what fails faster is searched for. */
const PATIENCE_MS = 30_000
const PATIENCE_IN_SEARCH_MS = 4_000
/** How long a shorter story with the same end is searched for. */
const SEARCH_MS = 240_000

export interface Extent {
  readonly runs: number
  /** commands of a story at most */
  readonly length: number
}

/** Whole: npm run test:model. */
export const IS_WHOLE = process.env['LATCHKEY_TEST_MODEL'] === 'whole'
const today = () => Math.floor(Date.now() / 86_400_000)

/** Plays stories one after another in a house, and builds another when one went wrong. */
export class Campaign {
  private house: House | undefined
  private failedAt: number | undefined
  private stories = 0
  private commands = 0

  constructor(private readonly ground: Ground) {}

  get told(): string {
    return `${this.stories} stories, ${this.commands} commands`
  }

  async play(story: readonly Command[]): Promise<void> {
    if (this.failedAt !== undefined && performance.now() - this.failedAt > SEARCH_MS) return
    this.house ??= await House.build(this.ground)
    try {
      this.commands += await Story.play(this.house, story, this.failedAt === undefined ? PATIENCE_MS : PATIENCE_IN_SEARCH_MS)
      this.stories += 1
    } catch (error) {
      this.failedAt ??= performance.now()
      await this.house.close()
      this.house = undefined
      throw error
    }
  }

  /** Random ones: in the gate others each day, so that what is red stays red when it is looked at. Throws the shortest that was found to fail, and how to play it again. */
  async random({ runs, length }: Extent, file: string): Promise<void> {
    const seed = Number(process.env['LATCHKEY_MODEL_SEED'] ?? (IS_WHOLE ? Date.now() % 2 ** 31 : today()))
    const path = process.env['LATCHKEY_MODEL_PATH']
    const began = performance.now()
    const { failed, counterexample, counterexamplePath, errorInstance, numShrinks } = await fc.check(
      fc.asyncProperty(stories(length), (story) => this.play(story)),
      { numRuns: runs, seed, unbiased: true, ...(path !== undefined && { path }) },
    )
    const minutes = (performance.now() - began) / 60_000
    console.log(`seed ${seed}: ${this.told}, ${Math.round(this.commands / minutes)} commands a minute`)
    if (!failed) return
    throw new Error(
      [
        errorInstance instanceof Error ? errorInstance.message : String(errorInstance),
        `play it again: LATCHKEY_MODEL_SEED=${seed} LATCHKEY_MODEL_PATH=${counterexamplePath} npx vitest run ${file}`,
        `keep it in test/model/found.ts (made shorter ${numShrinks} times):`,
        ...(counterexample?.[0] ?? []).map((command) => `  ${JSON.stringify(command)},`),
      ].join('\n'),
      { cause: errorInstance },
    )
  }

  async close(): Promise<void> {
    await this.house?.close()
    await this.ground.close()
  }
}
