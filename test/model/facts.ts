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
    return [
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

export const LAPSE_SECONDS = LAPSES_AFTER * 60
