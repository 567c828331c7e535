import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { FORGET_STEPS } from '../actions/journal.ts'
import type { Config } from '../config/config.ts'
import { Retention } from '../platform/due/retention.ts'
import { CONFIG } from '../platform/platform.module.ts'

/** What of grants that are long over is kept: grant, request, receipt and trail stay, openings and steps go. */
@Injectable()
export class GrantRetention implements OnModuleInit {
  constructor(
    private readonly retention: Retention,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    const { openings, steps } = this.config.keepDays
    this.retention.rule(
      'openings',
      openings,
      `delete from openings where id in (
         select o.id from openings o join grants g on g.id = o.grant_id
         where g.ended_at < clock_timestamp() - make_interval(days => $1) limit $2) returning 1`,
    )
    this.retention.rule('action_steps', steps, FORGET_STEPS)
  }
}
