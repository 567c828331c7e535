import { isDeepStrictEqual } from 'node:util'
import { Inject, Injectable } from '@nestjs/common'
import { record } from '../audit/record.ts'
import type { Config } from '../config/config.ts'
import type { Proposed } from '../contract/proposals.ts'
import type { Caller } from '../identity/callers/caller.ts'
import type { Hands } from '../identity/callers/hands.ts'
import { handsOf } from '../identity/callers/hands-of.ts'
import { enqueue } from '../platform/due/due-work.ts'
import { isId, newId } from '../platform/ids.ts'
import { CONFIG } from '../platform/platform.module.ts'
import { Database, row, type Tx } from '../platform/postgres/database.ts'
import { SealedColumns } from '../platform/sealing/sealed-columns.ts'
import { Sealer } from '../platform/sealing/sealing.ts'
import { BrokerError, isBrokerError, type Json, parseJson } from '../sdk/index.ts'
import type { Base, ChangeKind, Ready, RolesByKind } from './change-kind.ts'
import { Held } from './held.ts'
import { type OrderKey, OrderKeys } from './order-keys.ts'
import { type Proposal, readProposal } from './proposal.ts'

export const PROPOSAL_WORK = { perform: 'proposal.perform', lapse: 'proposal.lapse' } as const

/** The one road to every change in docs/operations.md’s list “Four eyes”. Where the switch is on, a change waits until another person accepts it. */
@Injectable()
export class FourEyes {
  private readonly kinds = new Map<Proposed, ChangeKind<unknown, unknown>>()

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly sealer: Sealer,
    private readonly keys: OrderKeys,
    columns: SealedColumns,
  ) {
    const place = ({ id }: Readonly<Record<string, unknown>>) => placeOf(String(id))
    columns.hold({ table: 'proposals', column: 'body', key: { id: 'text' }, place, lasting: false })
  }

  get areOn(): boolean {
    return this.config.fourEyes
  }

  /** Says how a kind of change is made. Nobody else can make it. */
  register<Body, Made>(kind: ChangeKind<Body, Made>): void {
    this.kinds.set(kind.kind, kind as ChangeKind<unknown, unknown>)
  }

  kindOf(name: Proposed): ChangeKind<unknown, unknown> {
    const kind = this.kinds.get(name)
    if (!kind) throw new TypeError(`nobody makes changes of the kind ${name}`)
    return kind
  }

  /** Who may propose what. */
  rolesByKind(): RolesByKind {
    return Object.fromEntries([...this.kinds].map(([name, { roles }]) => [name, roles]))
  }

  /** Makes the change, or answers the proposal that waits in its place. */
  submit<Body, Made>(caller: Caller, kind: ChangeKind<Body, Made>, subject: string | null, body: Body): Promise<Made | Held> {
    return this.once(kind, subject, body, () =>
      this.config.fourEyes ? this.hold(caller, kind, subject, body) : this.make(caller, kind, subject, body),
    )
  }

  private async make<Body, Made>(
    caller: Caller,
    kind: ChangeKind<Body, Made>,
    subject: string | null,
    body: Body,
  ): Promise<Made | Held> {
    const ready = await kind.prepare(caller.id, subject, body)
    const order = orderOf(kind, subject, body)
    const { made, earlier } = await this.database.transaction(async (tx) => {
      await kind.mustNotConcern?.(tx, await handsOf(tx, caller), body)
      const claimed = order && (await this.keys.claim(tx, order))
      if (claimed !== undefined) return { earlier: claimed }
      const written = await ready.write(tx)
      if (order) await this.keys.settle(tx, order, kind.repeatable!.idOf(written))
      return { made: written }
    })
    if (earlier !== undefined) return this.cameOf(kind, earlier)
    ready.afterwards?.()
    return made!
  }

  /** Does what is ordered; of an order that has a key and is repeated, answers what came of it. For those who look at more before they submit it. */
  async once<Body, Made>(
    kind: ChangeKind<Body, Made>,
    subject: string | null,
    body: Body,
    order: () => Promise<Made | Held>,
  ): Promise<Made | Held> {
    const before = await this.before(kind, subject, body)
    if (before !== undefined) return before
    try {
      return await order()
    } catch (error) {
      // Of two at one moment the second may meet what the first has done, and be refused on account of it.
      const meanwhile = isBrokerError(error) ? await this.before(kind, subject, body) : undefined
      if (meanwhile === undefined) throw error
      return meanwhile
    }
  }

  private async before<Body, Made>(
    kind: ChangeKind<Body, Made>,
    subject: string | null,
    body: Body,
  ): Promise<Made | Held | undefined> {
    const order = orderOf(kind, subject, body)
    const earlier = order && (await this.keys.find(this.database.pool, order))
    return earlier === undefined ? undefined : this.cameOf(kind, earlier)
  }

  private async cameOf<Body, Made>({ repeatable }: ChangeKind<Body, Made>, id: string): Promise<Made | Held> {
    return isId('prp', id) ? new Held(await readProposal(this.database.pool, id)) : repeatable!.find(id)
  }

  /** An accepted change, ready to be written in the name of who proposed it. */
  async ready(proposal: Proposal): Promise<Ready<unknown>> {
    const { prepare, repeatable } = this.kindOf(proposal.kind)
    const ready = await prepare(proposal.proposerId, proposal.subject, this.bodyOf(proposal))
    if (!repeatable) return ready
    const write = async (tx: Tx) => {
      const made = await ready.write(tx)
      await this.keys.became(tx, proposal.id, repeatable.idOf(made))
      return made
    }
    return { ...ready, write }
  }

  /** A change is accepted by nobody it concerns. */
  async mustNotConcern(tx: Tx, hands: Hands, proposal: Proposal): Promise<void> {
    await this.kindOf(proposal.kind).mustNotConcern?.(tx, hands, this.bodyOf(proposal))
  }

  private bodyOf({ id, kind, body }: Proposal): unknown {
    if (body === null) throw new TypeError(`nothing is left of ${id}`)
    return this.kindOf(kind).parse(parseJson(this.sealer.open(body, placeOf(id)).reveal()))
  }

  /** Throws unless what the proposal changes is still what it was when it was proposed. Holds it so. */
  async mustBeUnmoved(tx: Tx, { kind, subject, base }: Proposal): Promise<void> {
    const { base: read } = this.kindOf(kind)
    if (!read || subject === null) return
    const now = asStored(await read(tx, subject))
    if (isDeepStrictEqual(now, base)) return
    // An earlier version did not write down what a proposal was about.
    const what = base
      ? 'the change no longer fits: what it would change was itself changed after it was proposed'
      : 'the proposal was made by an earlier version and does not say what it would change'
    throw new BrokerError('conflict', what, {
      fix: 'look at what is there now, and propose the change again',
    })
  }

  private async hold<Body, Made>(
    caller: Caller,
    kind: ChangeKind<Body, Made>,
    subject: string | null,
    body: Body,
  ): Promise<Made | Held> {
    const summary = await kind.summary(subject, body)
    const order = orderOf(kind, subject, body)
    const id = newId('prp')
    const earlier = await this.database.transaction(async (tx) => {
      const claimed = order && (await this.keys.claim(tx, order))
      if (claimed !== undefined) return claimed
      if (order) await this.keys.settle(tx, order, id)
      const hands = await handsOf(tx, caller)
      await kind.mustNotConcern?.(tx, hands, body)
      const base = subject === null ? null : ((await kind.base?.(tx, subject)) ?? null)
      const held = await row<{ expiresAt: Date }>(
        tx,
        `insert into proposals (id, kind, subject, body, summary, base, proposer_id, token_makers, hands, done_with, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + make_interval(hours => $11)) returning expires_at as "expiresAt"`,
        [
          id,
          kind.kind,
          subject,
          this.sealer.seal(JSON.stringify(body), placeOf(id)),
          JSON.stringify(summary),
          base && JSON.stringify(base),
          caller.id,
          caller.tokenMakers,
          hands,
          caller.cameWith,
          this.config.proposalHours,
        ],
      )
      await enqueue(tx, [{ lane: 'background', kind: PROPOSAL_WORK.lapse, subject: id, at: held!.expiresAt }])
      await record(tx, {
        kind: 'proposal.made',
        actor: caller.id,
        subject: id,
        data: { kind: kind.kind, of: subject, change: asStored(summary) as Json },
      })
      return undefined
    })
    if (earlier !== undefined) return this.cameOf(kind, earlier)
    return new Held(await readProposal(this.database.pool, id))
  }
}

function orderOf<Body, Made>(kind: ChangeKind<Body, Made>, subject: string | null, body: Body): OrderKey | undefined {
  const order = kind.repeatable?.keyOf(body)
  if (order === undefined) return undefined
  return { kind: kind.kind, key: order.key, body: subject === null ? order.body : { of: subject, ...order.body } }
}

function placeOf(id: string) {
  return { table: 'proposals', row: id, column: 'body' }
}

/** As it comes back from the database. */
function asStored<Value extends Base | object>(value: Value): Value {
  return parseJson(JSON.stringify(value)) as Value
}
