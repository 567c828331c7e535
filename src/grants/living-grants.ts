import { Injectable, type OnModuleInit } from '@nestjs/common'
import { Inhabitants } from '../integrations/inhabitants.ts'
import { rows } from '../platform/postgres/database.ts'

/** Tells of grants that live in a target. The run of one is the same thing once more. */
@Injectable()
export class LivingGrants implements OnModuleInit {
  constructor(private readonly inhabitants: Inhabitants) {}

  onModuleInit(): void {
    this.inhabitants.register({
      one: 'live grant',
      many: 'live grants',
      living: (tx, integrationId) =>
        rows<{ id: string; alias: string }>(
          tx,
          `select id, run_id as alias from grants where integration_id = $1
             and state in ('scheduled', 'provisioning', 'active', 'revoking', 'stuck')`,
          [integrationId],
        ),
    })
  }
}
