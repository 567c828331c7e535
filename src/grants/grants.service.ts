import { Injectable } from '@nestjs/common'
import { shownCalls } from '../actions/calls.ts'
import { Journal } from '../actions/journal.ts'
import { hasApproved } from '../approvals/requests/sides.ts'
import type { CredentialView, GrantQuery, GrantView, RevocationReceipt } from '../contract/grants.ts'
import type { Page } from '../contract/lists.ts'
import { type Caller, seesAll } from '../identity/callers/caller.ts'
import { handsOf } from '../identity/callers/hands-of.ts'
import { DueWork } from '../platform/due/due-work.ts'
import { Stopping } from '../platform/due/stopping.ts'
import { Cursors } from '../platform/http/cursors.ts'
import { Database, rows } from '../platform/postgres/database.ts'
import { BrokerError, type Credential, type Json, Secret } from '../sdk/index.ts'
import { byGrant } from './cursor.ts'
import { type Ending, endNow } from './ending/ending.ts'
import { type Grant, selectGrants } from './grant.ts'
import { GrantNews } from './news.ts'
import { type Opening, Openings } from './opening/opening.ts'

interface Shown {
  readonly id: string
  readonly granteeName: string
  readonly accessDetails: string | null
  readonly secondsLeft: number
  readonly resources: GrantView['resources']
}

const ON_THE_WAY = new Set(['scheduled', 'provisioning', 'revoking', 'stuck'])

/** Access that exists until it does not: what people see of it and what they may do with it. */
@Injectable()
export class Grants {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly openings: Openings,
    private readonly journal: Journal,
    private readonly cursors: Cursors,
    private readonly stopping: Stopping,
    private readonly news: GrantNews,
  ) {}

  async get(caller: Caller, id: string): Promise<GrantView> {
    const grant = await this.visible(caller, id)
    return (await this.views([grant]))[0]!
  }

  /** The grant once it has got where it was going, or as it is when the time is up or the daemon stops. */
  async whenSettled(caller: Caller, id: string, waitSeconds: number): Promise<GrantView> {
    const until = performance.now() + waitSeconds * 1000
    const { signal } = this.stopping
    const news = this.news.of(id)
    try {
      for (let pause = 50; ; pause = Math.min(200, pause * 1.5)) {
        const grant = await this.visible(caller, id)
        const left = until - performance.now()
        if (!ON_THE_WAY.has(grant.state) || left <= 0 || signal.aborted) return (await this.views([grant]))[0]!
        await news.next(Math.min(pause, left), signal) // told to stop: looks once more
      }
    } finally {
      news.stop()
    }
  }

  async list(caller: Caller, query: GrantQuery): Promise<Page<GrantView>> {
    const after = this.cursors.read(byGrant, query.cursor)
    const all = query.whose === 'all' && seesAll(caller)
    const found = await selectGrants(
      this.database.pool,
      `($1::text is null or g.id < $1) and ($2::text is null or g.state = $2) and ($3::text is null or g.integration_id = $3)
       and ($4::text is null or g.grantee_id = $4) and ($5 or g.grantee_id = $6)
       and ($7::boolean is null or (g.ended_at is null) = $7) order by g.id desc limit $8`,
      [
        after ?? null,
        query.state ?? null,
        query.integration ?? null,
        query.grantee ?? null,
        all,
        caller.id,
        query.live === undefined ? null : query.live === 'true',
        query.limit + 1,
      ],
    )
    const views = new Map((await this.views(found.slice(0, query.limit))).map((view) => [view.id as string, view]))
    return this.cursors.page(
      byGrant,
      found,
      query.limit,
      (grant) => grant.id,
      (grant) => views.get(grant.id)!,
    )
  }

  async open(caller: Caller, id: string): Promise<CredentialView> {
    const { grant, credential } = await this.openings.open(caller, id)
    const [shown] = await this.views([grant])
    return revealed(grant, credential, shown?.accessDetails ?? null)
  }

  async credential(caller: Caller, id: string): Promise<Opening> {
    const grant = await this.visible(caller, id)
    const opening = await this.openings.latest(grant)
    if (!opening) throw new BrokerError('not_found', 'this grant has not been opened', { fix: 'open it to get a credential' })
    return opening
  }

  async steps(caller: Caller, id: string) {
    const grant = await this.visible(caller, id)
    const steps = await this.journal.shown(this.database.pool, grant.runId)
    return steps.map(({ calls, ...step }) => ({ ...step, calls: shownCalls(calls), changedAt: step.changedAt.toISOString() }))
  }

  async receipt(caller: Caller, id: string): Promise<Json> {
    const grant = await this.visible(caller, id)
    if (grant.receipt) return grant.receipt
    throw new BrokerError('not_found', `the grant is ${grant.state}; it has a receipt once everything is proved gone`, {
      fix: grant.state === 'active' ? 'give it back, or wait for its end' : 'look again in a moment',
    })
  }

  async giveBack(caller: Caller, id: string): Promise<GrantView> {
    const grant = await this.visible(caller, id)
    if (grant.granteeId !== caller.id) throw noSuchGrant(id)
    return this.end(caller, grant, { reason: 'given_back' })
  }

  /** Of a delivery that somebody else opened: everything is revoked, and the trail says why. */
  async report(caller: Caller, id: string, note: string): Promise<GrantView> {
    const grant = await this.visible(caller, id)
    if (grant.granteeId !== caller.id) throw noSuchGrant(id)
    return this.end(caller, grant, {
      reason: 'reported',
      note: note || 'the grantee reported that somebody else opened the credential',
    })
  }

  /** By an admin, an owner, or a person who approved it. */
  async revoke(caller: Caller, id: string, note: string): Promise<GrantView> {
    const grant = await this.visible(caller, id)
    if (!mayRevoke(caller) && !(await this.approved(caller, grant))) {
      throw new BrokerError('auth.forbidden', 'only an admin, an owner, or one of its approvers may revoke this grant', {
        fix: grant.granteeId === caller.id ? 'give it back instead' : undefined,
      })
    }
    return this.end(caller, grant, { reason: 'revoked', note })
  }

  private async end(caller: Caller, grant: Grant, ending: Ending): Promise<GrantView> {
    const begun = await this.database.transaction(async (tx) => {
      const { id: by, cameWith } = caller
      return endNow(tx, [grant.id], { ...ending, by, cameWith, hands: await handsOf(tx, caller) })
    })
    if (begun.length === 0) {
      const now = await this.visible(caller, grant.id)
      throw new BrokerError('conflict', `the grant is already ${now.state}`, {
        fix: 'there is nothing left to do: it has ended, or is being ended',
      })
    }
    this.work.wake('cut')
    return this.get(caller, grant.id)
  }

  private async visible(caller: Caller, id: string): Promise<Grant> {
    const [grant] = await selectGrants(this.database.pool, 'g.id = $1', [id])
    if (!grant) throw noSuchGrant(id)
    if (grant.granteeId === caller.id || seesAll(caller) || (await this.approved(caller, grant))) return grant
    throw noSuchGrant(id)
  }

  private approved(caller: Caller, grant: Grant): Promise<boolean> {
    return hasApproved(this.database.pool, caller.id, grant.requestId, grant.id)
  }

  private async views(grants: readonly Grant[]): Promise<GrantView[]> {
    const shown = await rows<Shown>(
      this.database.pool,
      `select g.id, u.name as "granteeName", i.access_details as "accessDetails",
         coalesce(greatest(0, extract(epoch from g.expires_at - clock_timestamp())), 0)::float as "secondsLeft",
         (select coalesce(jsonb_agg(jsonb_build_object('resourceId', r.id, 'type', r.type, 'name', r.name,
            'permissions', to_jsonb(a.permissions)) order by r.name, r.id), '[]')
          from access_request_resources a join resources r on r.id = a.resource_id where a.request_id = g.request_id) as resources
       from grants g join users u on u.id = g.grantee_id join integrations i on i.id = g.integration_id where g.id = any($1)`,
      [grants.map((grant) => grant.id)],
    )
    const byId = new Map(shown.map((more) => [more.id, more]))
    return grants.map((grant) => view(grant, byId.get(grant.id)!))
  }
}

function view(grant: Grant, shown: Shown): GrantView {
  const problem = (grant.error ?? grant.failure) as GrantView['problem']
  return {
    id: grant.id as GrantView['id'],
    state: grant.state,
    requestId: grant.requestId as GrantView['requestId'],
    integrationId: grant.integrationId as GrantView['integrationId'],
    grantee: { id: grant.granteeId as GrantView['grantee']['id'], name: shown.granteeName },
    resources: shown.resources,
    delivery: grant.delivery,
    guarantee: grant.guarantee,
    seconds: grant.seconds,
    beginsAt: grant.beginsAt?.toISOString() ?? null,
    expiresAt: grant.expiresAt?.toISOString() ?? null,
    secondsLeft: grant.state === 'active' ? shown.secondsLeft : 0,
    extensions: grant.extensions,
    endReason: grant.endReason,
    endedBy: grant.endedBy,
    endNote: grant.endNote,
    revokingAt: grant.revokingAt?.toISOString() ?? null,
    powerlessAt: grant.cutAt?.toISOString() ?? null,
    endedAt: grant.endedAt?.toISOString() ?? null,
    writtenOff: grant.state === 'written_off' ? (grant.receipt as unknown as RevocationReceipt).writtenOff : null,
    problem,
    accessDetails: grant.state === 'active' ? shown.accessDetails : null,
    createdAt: grant.createdAt.toISOString(),
  }
}

function revealed(grant: Grant, credential: Credential, accessDetails: string | null): CredentialView {
  return {
    grantId: grant.id as CredentialView['grantId'],
    delivery: credential.delivery,
    fields: credential.fields.map(({ name, label, value }) => ({
      name,
      label,
      value: value instanceof Secret ? value.reveal() : value,
    })),
    prepare: [...credential.prepare],
    usage: [...credential.usage],
    endsAt: credential.endsAt.toISOString(),
    collectBy: credential.collectBy?.toISOString() ?? null,
    accessDetails,
  }
}

const mayRevoke = (caller: Caller) => caller.roles.some((role) => role === 'admin' || role === 'owner')
const noSuchGrant = (id: string) => new BrokerError('not_found', `there is no grant ${id} of yours`)
