import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { Journal } from '../../actions/journal.ts'
import { mayBeGone } from '../../actions/outage.ts'
import { targetsOf } from '../../actions/run-facts.ts'
import { isSameTarget, whoAnswers } from '../../actions/whereabouts.ts'
import { record } from '../../audit/record.ts'
import type { ChangeKind, Ready } from '../../changes/change-kind.ts'
import { FourEyes } from '../../changes/four-eyes.ts'
import type { Held } from '../../changes/held.ts'
import type { Config } from '../../config/config.ts'
import type { WriteOff, WrittenOffGrants } from '../../contract/grants.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { type Hands, meet } from '../../identity/callers/hands.ts'
import { Connections } from '../../integrations/connections/connections.ts'
import { findIntegration } from '../../integrations/integration.ts'
import { baseOf } from '../../integrations/integration-changes.ts'
import { withdraw } from '../../platform/due/due-work.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError, isBrokerError, type TargetIdentity } from '../../sdk/index.ts'
import { GRANT_WORK, type Grant, selectGrants } from '../grant.ts'
import { move } from '../transition.ts'
import { usersHands } from '../two-sides.ts'
import { mustBeTyped } from './end-access.ts'
import { unprovedReceipt } from './receipt.ts'

/** What is to be written off, by name: the second person accepts these grants and no others. */
interface Order {
  readonly reason: string
  readonly grants: readonly string[]
}

/** A grant whose system is not there, and what was seen instead. */
interface Lost {
  readonly grant: Grant
  readonly because: string
}

/**
 * Gives up what lives on a system that is gone, because an admin says so. It proves nothing and says so; should that system ever answer
 * again, the sweep takes away what is left there.
 */
@Injectable()
export class WritingOff implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly connections: Connections,
    private readonly journal: Journal,
    private readonly fourEyes: FourEyes,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.fourEyes.register(this.writingOff)
  }

  async order(caller: Caller, id: string, { confirm, reason }: WriteOff): Promise<WrittenOffGrants | Held> {
    const { name } = await findIntegration(this.database.pool, id)
    mustBeTyped(confirm, name, 'write off what is left there')
    const lost = await this.lost(id, name)
    return this.fourEyes.submit(caller, this.writingOff, id, { reason, grants: lost.map(({ grant }) => grant.id) })
  }

  private readonly writingOff: ChangeKind<Order, WrittenOffGrants> = {
    kind: 'integration.write_off',
    roles: ['admin'],
    parse: (body) => body as Order,
    summary: async (id, { reason, grants }) => ({
      name: (await findIntegration(this.database.pool, id!)).name,
      reason,
      grants: [...grants],
    }),
    base: async (tx, id) => baseOf(await findIntegration(tx, id, 'for update')),
    mustNotConcern: (tx, hands, { grants }) => mustBeOthers(tx, hands, grants),
    prepare: (by, id, order) => this.ready(by, id!, order),
  }

  /** Looks again: between an order and its second person the system may have come back. */
  private async ready(by: string, id: string, { reason, grants }: Order): Promise<Ready<WrittenOffGrants>> {
    const { name } = await findIntegration(this.database.pool, id)
    const lost = (await this.lost(id, name)).filter(({ grant }) => grants.includes(grant.id))
    if (lost.length === 0) throw nothingLost(name)
    return {
      write: async (tx) => ({
        integrationId: id as WrittenOffGrants['integrationId'],
        grants: (await this.write(tx, { by, integrationId: id, name, reason }, lost)) as WrittenOffGrants['grants'],
      }),
    }
  }

  /** The grants on their way out whose system does not answer, or is another one now. Throws unless there are some. */
  private async lost(id: string, name: string): Promise<Lost[]> {
    const grants = await selectGrants(
      this.database.pool,
      `g.integration_id = $1 and g.state in ('scheduled', 'provisioning', 'active', 'revoking', 'stuck') order by g.id`,
      [id],
    )
    const living = grants.filter(({ state }) => state !== 'revoking' && state !== 'stuck')
    if (living.length > 0) {
      throw new BrokerError('conflict', `${living.length} grants through ${name} are not being ended yet`, {
        fix: 'end all access through it first (latchkey end-access)',
      })
    }
    // Ending was tried for minutes, and failed, and people were told: who has the target taken away for a moment gets nothing written off.
    const tried = grants.filter(({ state, error }) => state === 'stuck' && error !== null)
    if (tried.length === 0 && grants.length > 0) throw tooEarly(name, grants, this.config.stuckAfterSeconds)
    const seen = tried.length > 0 ? await this.look(id) : undefined
    const targets = await targetsOf(
      this.database.pool,
      tried.map(({ runId }) => runId),
    )
    const lost = tried.flatMap((grant): Lost[] => {
      const because = whyLost(grant, targets.get(grant.runId), seen)
      return because === undefined ? [] : [{ grant, because }]
    })
    if (lost.length > 0) return lost
    throw nothingLost(name)
  }

  private async look(id: string): Promise<Seen> {
    try {
      const connection = await this.connections.use(id)
      return { system: await whoAnswers(connection), canTell: connection.plugin.identify !== undefined }
    } catch (error) {
      if (!isBrokerError(error) || !mayBeGone(error.code)) throw error
      return { outage: error.message }
    }
  }

  private async write(
    tx: Tx,
    { by, integrationId, name, reason }: { by: string; integrationId: string; name: string; reason: string },
    lost: readonly Lost[],
  ): Promise<string[]> {
    const ids = lost.map(({ grant }) => grant.id)
    const leaving = new Set(
      (await selectGrants(tx, `g.id = any($1) and g.state = 'stuck' order by g.id for update`, [ids])).map(({ id }) => id),
    )
    const given = lost.filter(({ grant }) => leaving.has(grant.id))
    if (given.length === 0) throw nothingLost(name)
    await this.journal.giveUp(
      tx,
      given.map(({ grant }) => grant.runId),
    )
    const who = await row<{ id: `usr_${string}`; name: string; at: Date }>(
      tx,
      'select id, name, clock_timestamp() as at from users where id = $1',
      [by],
    )
    const targets = await targetsOf(
      tx,
      given.map(({ grant }) => grant.runId),
    )
    for (const { grant, because } of given) {
      const receipt = unprovedReceipt(grant, {
        writtenOff: { by: { id: who!.id, name: who!.name }, reason, because, at: who!.at.toISOString() },
        target: targets.get(grant.runId),
        steps: await this.journal.shown(tx, grant.runId),
        credentials: await credentialsOf(tx, grant.id),
      })
      const given = { receipt, endedAt: who!.at }
      await move(tx, 'write_off', [{ id: grant.id, given, data: () => ({ reason, because, receipt }) }], by)
    }
    const over = given.map(({ grant }) => grant.id)
    await withdraw(tx, [GRANT_WORK.end, GRANT_WORK.clean], over)
    await record(tx, {
      kind: 'integration.written_off',
      actor: by,
      subject: integrationId,
      data: { name, reason, grants: over },
    })
    return over
  }
}

type Seen = { readonly outage: string } | { readonly system: TargetIdentity | undefined; readonly canTell: boolean }

/** Undefined for a grant that can still end: what answers is its system, as far as that is known. */
function whyLost(grant: Grant, recorded: TargetIdentity | undefined, seen: Seen | undefined): string | undefined {
  if (!seen) return undefined
  if ('outage' in seen) return `its system does not answer: ${seen.outage}`
  if (!isSameTarget(recorded, seen.system)) return 'a different system answers at its address'
  const { code, message } = grant.error as { code: string; message: string }
  if (!seen.canTell && mayBeGone(code)) return `its system did not answer: ${message}`
  return undefined
}

/** What was handed over, by its delivery: the system ends it by itself, if it still runs. */
function credentialsOf(tx: Tx, grantId: string): Promise<{ delivery: string; endsAt: Date | null }[]> {
  return rows(
    tx,
    `select delivery, ends_at as "endsAt" from openings where grant_id = $1 and ends_at is not null order by opened_at`,
    [grantId],
  )
}

/** Nobody says of what they had in hand that it need not be proved gone. */
async function mustBeOthers(tx: Tx, hands: Hands, grants: readonly string[]): Promise<void> {
  const own: string[] = []
  for (const id of grants.toSorted()) if (meet(hands, await usersHands(tx, id))) own.push(id)
  if (own.length === 0) return
  throw new BrokerError('access.self_approval', `You, or a token you created, asked for or opened ${own.join(', ')}.`, {
    fix: 'ask another admin, whose token you did not make, to write it off. If there is none, make one on the broker’s machine: latchkey bootstrap --name … --force-new-token',
  })
}

function tooEarly(name: string, grants: readonly Grant[], seconds: number): BrokerError {
  const what = grants.length === 1 ? 'the end of one grant' : `the end of ${grants.length} grants`
  return new BrokerError(
    'conflict',
    `${what} through ${name} has not been tried for ${seconds} seconds yet, or is still being tried`,
    {
      fix: 'wait until they are stuck (GET /api/grants?whose=all&state=stuck); grants that can end will have ended by then',
    },
  )
}

function nothingLost(name: string): BrokerError {
  return new BrokerError('conflict', `no grant through ${name} is stuck because its system is gone`, {
    fix: 'look at the problem of each grant, and remove what stands in the way',
  })
}
