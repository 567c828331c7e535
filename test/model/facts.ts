import type pg from 'pg'
import { type Ask, LAPSES_AFTER, type Model } from './model.ts'

/** One request as the database has it, with the grant that came of it. */
export interface Fact {
  readonly id: string
  readonly state: string
  readonly by: string
  readonly extends: string | null
  readonly votes: number
  readonly run: string
  /** how often each kind of event is told of it and its grant */
  readonly told: Readonly<Record<string, number>>
  readonly grant: {
    readonly state: string
    readonly extensions: number
    readonly isCut: boolean
    readonly isOver: boolean
    readonly epoch: number
    readonly receipt: { readonly evidence: readonly { readonly artefact: string; readonly gone: boolean }[] } | null
    readonly liveOpenings: number
  } | null
}

export async function readFacts(client: pg.Client, integrationId: string): Promise<Fact[]> {
  const { rows } = await client.query<Fact>(
    `select q.id, q.state, q.requester_id as by, q.extends_grant_id as extends, 'run_' || substr(q.id, 5) as run,
       (select coalesce(jsonb_object_agg(kind, times), '{}') from (
          select kind, count(*) as times from audit_events e where e.subject in (q.id, 'grt_' || substr(q.id, 5)) group by kind) as k) as told,
       (select count(*)::int from approvals a where a.request_id = q.id and a.decision = 'approve') as votes,
       (select jsonb_build_object('state', g.state, 'extensions', g.extensions, 'isCut', g.cut_at is not null,
          'isOver', g.ended_at is not null, 'epoch', r.epoch, 'receipt', g.receipt,
          'liveOpenings', (select count(*) from openings o where o.grant_id = g.id and o.state in ('opening', 'delivered', 'collected')))
        from grants g join action_runs r on r.id = g.run_id where g.request_id = q.id) as grant
     from access_requests q where q.integration_id = $1 order by q.created_at, q.id`,
    [integrationId],
  )
  return rows
}

/** Where the books say something else than the model; `isSettled` when nothing is under way. */
export function differences(model: Model, facts: readonly Fact[], isSettled: boolean): string[] {
  if (facts.length !== model.asks.length) return [`there are ${facts.length} requests, and not ${model.asks.length}`]
  return model.asks.flatMap((ask, at) => {
    const fact = facts[at]!
    const grant = ask.grant
    const wanted = states(ask, isSettled)
    const told = {
      'request.submitted': 1,
      'approval.noted': ask.votes.length + (ask.state === 'rejected' ? 1 : 0),
      [`request.${ask.state}`]: 1,
      'grant.extended': grant?.extensions ?? 0,
    }
    return [
      ...Object.entries(told).map(
        ([kind, times]) =>
          kind !== 'request.pending' &&
          (fact.told[kind] ?? 0) !== times &&
          `${kind} is told ${fact.told[kind] ?? 0} times of request ${at}, and not ${times}`,
      ),
      fact.state !== ask.state && `request ${at} is ${fact.state}, and not ${ask.state}`,
      fact.votes !== ask.votes.length && `request ${at} has ${fact.votes} approvals, and not ${ask.votes.length}`,
      (fact.grant === null) !== (grant === undefined) && `request ${at} has ${fact.grant ? 'a grant' : 'no grant'}`,
      fact.grant &&
        grant &&
        !wanted.includes(fact.grant.state) &&
        `grant ${at} is ${fact.grant.state}, and not ${wanted.join(' or ')}`,
      fact.grant &&
        grant &&
        fact.grant.extensions !== grant.extensions &&
        `grant ${at} was extended ${fact.grant.extensions} times, and not ${grant.extensions}`,
    ].filter((difference) => typeof difference === 'string')
  })
}

function states({ grant }: Ask, isSettled: boolean): string[] {
  switch (grant?.phase) {
    case undefined:
      return []
    case 'coming':
      return ['scheduled', 'provisioning', ...(isSettled ? [] : ['active'])]
    case 'active':
      return ['active']
    case 'ending':
      return ['revoking', 'stuck', ...(isSettled ? [] : [grant.why!])]
    case 'over':
      return [grant.why!]
  }
}

/** The model, once it knows that the broker saw what somebody else did at the target. */
export function observed(model: Model, facts: readonly Fact[]): Model {
  const asks = model.asks.map((ask, at): Ask => {
    const { grant } = ask
    const now = facts[at]?.grant?.state
    if (!grant?.isAltered || grant.phase === 'over' || now === undefined || now === 'active') return ask
    // Why it ends is known when it has ended: until then, what had come to its end by its time still ends by it.
    const why = now === 'expired' || now === 'revoked' ? now : (grant.why ?? 'revoked')
    return { ...ask, grant: { ...grant, phase: now === why ? 'over' : 'ending', why } }
  })
  return { ...model, asks }
}

export const LAPSE_SECONDS = LAPSES_AFTER * 60
