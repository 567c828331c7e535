import { Logger, type OnApplicationBootstrap } from '@nestjs/common'
import { Interval } from '@nestjs/schedule'
import { Rounds } from './rounds.ts'

/** Looks at the start, and again every ten seconds, for what must not hang on one row of due work being there. */
export abstract class LookAround implements OnApplicationBootstrap {
  protected readonly log: Logger
  private readonly rounds: Rounds

  /** @param what the looking is for, as the log says it: “looking after runs” */
  constructor(what: string) {
    this.log = new Logger(new.target.name)
    this.rounds = new Rounds(this.log, what)
  }

  onApplicationBootstrap(): Promise<void> {
    return this.tick()
  }

  @Interval(10_000)
  tick(): Promise<void> {
    return this.rounds.make(() => this.look())
  }

  /** One look. What it throws is logged, and the next one tries again. */
  protected abstract look(): Promise<unknown>
}
