import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common'
import { BROKER } from '../../audit/record.ts'
import type { Config } from '../../config/config.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { Directory, LastAdmin } from '../directory/directory.ts'
import { noteNotLinked } from './not-linked.ts'
import { lockScim } from './scim-writes.ts'
import { SignInLinks } from './sign-in-links.ts'

interface Twice {
  readonly provisioned: string
  readonly signsIn: string
  readonly externalId: string
  readonly isRemoved: boolean
}

/** Looks once, at the start, for people who are here twice: once from signing in and once from SCIM, as an older version left them. */
@Injectable()
export class Reunion implements OnApplicationBootstrap {
  private readonly log = new Logger(Reunion.name)

  constructor(
    private readonly database: Database,
    private readonly directory: Directory,
    private readonly links: SignInLinks,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.config.oidc) return
    try {
      for (const twice of await this.findTwice()) await this.reunite(twice)
      await this.noteOthers()
    } catch (error) {
      this.log.warn({ error }, 'people who are here twice will be looked for at the next start')
    }
  }

  private findTwice(): Promise<Twice[]> {
    return rows<Twice>(
      this.database.pool,
      `select distinct on (h.id) s.id as provisioned, h.id as "signsIn", s.scim->>'externalId' as "externalId",
         s.user_name is null as "isRemoved"
       from users h join identities i on i.user_id = h.id and i.issuer = $1
       join users s on s.source = 'scim'
         and s.scim->>'externalId' = case when $2 = 'sub' then i.subject when i.external_id_claim = $2 then i.external_id end
       where h.source <> 'scim' and h.state = 'active'
       order by h.id, s.user_name is null, s.id desc`,
      [this.config.oidc?.issuer, this.config.oidc?.scimClaim],
    )
  }

  /** One pair in one transaction; what would leave no admin waits for somebody to make another one. */
  private async reunite({ provisioned, externalId, isRemoved }: Twice): Promise<void> {
    try {
      await this.database.transaction(async (tx) => {
        await lockScim(tx)
        await this.directory.keepingAnAdmin(tx, BROKER, () =>
          isRemoved ? this.links.disableTwins(tx, BROKER, [externalId]) : this.links.reunite(tx, BROKER, provisioned, externalId),
        )
      })
    } catch (error) {
      if (!(error instanceof LastAdmin)) throw error
      this.log.warn(
        { person: provisioned },
        'the last admin has two records that cannot be merged: make another person an admin, and start again',
      )
    }
  }

  /** Who may be somebody of SCIM's, as far as anybody can tell without having seen the claim. */
  private async noteOthers(): Promise<void> {
    const { issuer, scimClaim } = this.config.oidc ?? {}
    const unlinked = await rows<{ id: string; isClaimKnown: boolean }>(
      this.database.pool,
      `select distinct u.id, $2 = 'sub' or coalesce(i.external_id_claim = $2, false) as "isClaimKnown"
       from users u join identities i on i.user_id = u.id and i.issuer = $1
       where u.source <> 'scim' and u.state = 'active' and exists (select from users s where s.source = 'scim' and s.user_name is not null)`,
      [issuer, scimClaim],
    )
    for (const { id, isClaimKnown } of unlinked) {
      if (!isClaimKnown) await noteNotLinked(this.database.pool, BROKER, id, { reason: 'claim_unknown', other: null })
      await this.links.noteLookAlikes(this.database.pool, BROKER, id)
    }
  }
}
