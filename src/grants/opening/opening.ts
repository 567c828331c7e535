import { Injectable } from '@nestjs/common'
import { grantAccessOf } from '../../actions/action-of.ts'
import { Calls, type ShownCalls, shownCalls } from '../../actions/calls.ts'
import { Journal } from '../../actions/journal.ts'
import { ActionRunner } from '../../actions/runner.ts'
import { mustAnswer } from '../../actions/whereabouts.ts'
import { record } from '../../audit/record.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { meet } from '../../identity/callers/hands.ts'
import { handsOf } from '../../identity/callers/hands-of.ts'
import { Connections, mustBeActive } from '../../integrations/connections/connections.ts'
import { Deliveries } from '../../integrations/deliveries.ts'
import { findIntegration } from '../../integrations/integration.ts'
import type { Hold } from '../../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../../platform/due/due-work.ts'
import { isPresent } from '../../platform/due/presence.ts'
import { newId } from '../../platform/ids.ts'
import type { TimeLeft } from '../../platform/pacing/time-left.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError, type Credential, type CredentialState, type Json } from '../../sdk/index.ts'
import { GRANT_WORK, type Grant, lockGrant, timeLeft } from '../grant.ts'
import { approvedByThem, judgesHands } from '../two-sides.ts'
import type { OpeningState } from './opening-machine.ts'
import { moveOpenings } from './transition.ts'

/** One handing over of a credential, as its row says. */
export interface Opening {
  readonly id: string
  readonly state: OpeningState
  readonly openedBy: string
  readonly openedAt: Date
  readonly endsAt: Date | null
  readonly collectBy: Date | null
  readonly collectedAt: Date | null
  readonly trace: Json
}

/** How long one opening may act on the target. Until then, while its process lives, no other begins: the target would refuse both. */
const PATIENCE_SECONDS = 30

/** Mints a credential when its grantee asks, hands it over once, and keeps nothing of it. */
@Injectable()
export class Openings {
  constructor(
    private readonly database: Database,
    private readonly journal: Journal,
    private readonly runner: ActionRunner,
    private readonly connections: Connections,
    private readonly deliveries: Deliveries,
    private readonly work: DueWork,
  ) {}

  /**
   * The former credential is cut and another minted. Where the grant was extended since, the former one ends at its own end, so that work
   * goes on without a gap. Throws `conflict` while another opening of the grant is under way, before the target is touched.
   */
  async open(grantee: Caller, grantId: string): Promise<{ grant: Grant; credential: Credential }> {
    const started = performance.now()
    const hold: Pick<Hold, 'isOurs'> = { isOurs: () => performance.now() - started < PATIENCE_SECONDS * 1000 }
    const opening = newId('opn')
    const { grant, keepFormer, left } = await this.begin(grantee, grantId, opening)
    const calls = new Calls('do', opening)
    let credential: Credential
    try {
      const connection = await this.connections.use(grant.integrationId)
      await mustAnswer(this.database.pool, connection, grant.runId)
      const steps = await this.journal.steps(this.database.pool, grant.runId)
      const context = {
        ...this.runner.context(connection, grant.runId, hold, left),
        nextCallId: calls.nextId,
        noted: calls.noted,
      }
      credential = await grantAccessOf(connection).open(context, steps, grant.delivery, { keepFormer })
    } catch (error) {
      await this.fail(grant, opening, shownCalls(calls.all))
      throw error
    }
    await this.deliver(grant, opening, credential, shownCalls(calls.all))
    return { grant, credential }
  }

  /** The grant's latest opening; asks the target first whether it was collected. */
  async latest(grant: Grant): Promise<Opening | undefined> {
    const opening = await this.read(grant.id)
    if (opening?.state !== 'delivered' || grant.state !== 'active') return opening
    const state = await this.inspect(grant, opening)
    if (state !== 'collected' && state !== 'ended') return opening
    await this.database.transaction(async (tx) => {
      if (await moveOpenings(tx, state === 'collected' ? 'collect' : 'lapse', opening))
        await record(tx, { kind: `credential.${state}`, actor: 'broker', subject: grant.id, data: { opening: opening.id } })
    })
    return this.read(grant.id)
  }

  private async begin(
    grantee: Caller,
    grantId: string,
    opening: string,
  ): Promise<{ grant: Grant; keepFormer: boolean; left: TimeLeft | undefined }> {
    return this.database.transaction(async (tx) => {
      const grant = await lockGrant(tx, grantId)
      if (grant?.granteeId !== grantee.id) throw new BrokerError('not_found', `there is no grant ${grantId} of yours`)
      const hands = await handsOf(tx, grantee)
      if (meet(hands, await judgesHands(tx, grantId))) throw approvedByThem()
      const left = await timeLeft(tx, grantId)
      const late = left !== undefined && left.ms() <= 0
      if (grant.state !== 'active' || late) {
        throw new BrokerError('conflict', `the grant is ${late ? 'over' : grant.state}, so it cannot be opened`, {
          fix: grant.state === 'provisioning' || grant.state === 'scheduled' ? 'wait until it is active' : 'request access again',
        })
      }
      const integration = await findIntegration(tx, grant.integrationId, 'for share')
      mustBeActive({ integration })
      await this.deliveries.mustAllow(integration, grant.delivery)
      const keepFormer = await this.supersede(tx, grant)
      await rows(
        tx,
        `insert into openings (id, grant_id, opened_by, delivery, extensions, state, hands, done_with, held_by)
         values ($1, $2, $3, $4, $5, 'opening', $6, $7, $8)`,
        [opening, grantId, grantee.id, grant.delivery, grant.extensions, hands, grantee.cameWith, this.work.name],
      )
      await record(tx, {
        kind: 'credential.opening',
        actor: grantee.id,
        subject: grantId,
        data: { opening, delivery: grant.delivery },
      })
      return { grant, keepFormer, left }
    })
  }

  /** Makes room for another opening. Says whether the former credential ends before the grant does, because that was extended since. */
  private async supersede(tx: Tx, grant: Grant): Promise<boolean> {
    const former = await row<{ isUnderWay: boolean; endsEarly: boolean | null }>(
      tx,
      `select state = 'opening' and opened_at > clock_timestamp() - make_interval(secs => $2)
           and (held_by is null or ${isPresent('held_by')}) as "isUnderWay",
         state <> 'opening' and extensions < $3 as "endsEarly"
       from openings where grant_id = $1 and state in ('opening', 'delivered', 'collected')`,
      [grant.id, PATIENCE_SECONDS, grant.extensions],
    )
    if (former?.isUnderWay) {
      throw new BrokerError('conflict', 'this grant is already being opened at this moment', {
        fix: `use the credential from that call; if its answer is lost, open the grant again after ${PATIENCE_SECONDS} seconds`,
      })
    }
    await moveOpenings(tx, 'supersede', { grantIds: [grant.id] })
    return former?.endsEarly ?? false
  }

  private async deliver(grant: Grant, opening: string, credential: Credential, calls: ShownCalls): Promise<void> {
    const isDelivered = await this.database.transaction(async (tx) => {
      const live = await lockGrant(tx, grant.id)
      if (live?.state !== 'active' || !(await moveOpenings(tx, 'deliver', { id: opening }, credential))) {
        await enqueueRecheck(tx, grant)
        return false
      }
      await record(tx, {
        kind: 'credential.delivered',
        actor: grant.granteeId,
        subject: grant.id,
        data: { opening, endsAt: credential.endsAt.toISOString(), trace: credential.trace, calls },
      })
      return true
    })
    if (!isDelivered) {
      throw new BrokerError(
        'conflict',
        'the grant ended, or was opened again, while this credential was being made; the credential was thrown away',
        {
          fix: 'open the grant again if it is still active',
        },
      )
    }
  }

  private async fail(grant: Grant, opening: string, calls: ShownCalls): Promise<void> {
    await this.database.transaction(async (tx) => {
      const live = await lockGrant(tx, grant.id)
      await moveOpenings(tx, 'fail', { id: opening })
      await record(tx, { kind: 'credential.failed', actor: grant.granteeId, subject: grant.id, data: { opening, calls } })
      if (live?.state !== 'active') await enqueueRecheck(tx, grant)
    })
  }

  private async inspect(grant: Grant, opening: Opening): Promise<CredentialState> {
    const connection = await this.connections.use(grant.integrationId)
    const hold = { isOurs: () => true } // only reads
    return grantAccessOf(connection).inspect(this.runner.context(connection, grant.runId, hold), opening.trace)
  }

  private read(grantId: string): Promise<Opening | undefined> {
    return row<Opening>(
      this.database.pool,
      `select id, state, opened_by as "openedBy", opened_at as "openedAt", ends_at as "endsAt", collect_by as "collectBy",
         collected_at as "collectedAt", trace from openings where grant_id = $1 order by opened_at desc, id desc limit 1`,
      [grantId],
    )
  }
}

/** Whatever this opening did may have come after the clean-up, so it is looked at once more. */
async function enqueueRecheck(tx: Parameters<typeof enqueue>[0], grant: Grant): Promise<void> {
  await enqueue(tx, [{ lane: 'clean', kind: GRANT_WORK.recheck, subject: grant.id, shard: grant.integrationId }])
}
