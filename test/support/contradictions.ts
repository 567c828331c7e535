import { expect } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { FreshDatabase } from './database.ts'

/** One query for each thing that must never be seen; what it answers is what is wrong. */
const RULES: Record<string, string> = {
  'an active grant stands on an executed run': `
    select g.id, r.state from grants g join action_runs r on r.id = g.run_id where g.state = 'active'
      and (r.state <> 'executed' or exists (select 1 from action_steps s where s.run_id = r.id and s.state <> 'executed'))`,
  'a grant that is over left an undone run': `
    select g.id, g.state, r.state as run from grants g join action_runs r on r.id = g.run_id where g.ended_at is not null
      and (r.state not in ('undone', 'failed') or exists (select 1 from action_steps s where s.run_id = r.id and s.state <> 'undone'))`,
  'a grant that is over has a receipt in which everything is gone': `
    select g.id, g.receipt from grants g where g.ended_at is not null and (g.receipt is null or g.cut_at is null
      or exists (select 1 from jsonb_array_elements(g.receipt -> 'evidence') as e where not (e -> 'gone')::boolean))`,
  'nothing is due for a grant that is over, and nothing is open': `
    select g.id, w.kind, o.state from grants g left join due_work w on w.subject = g.id
      left join openings o on o.grant_id = g.id and o.state in ('opening', 'delivered', 'collected')
    where g.ended_at is not null and (w.kind is not null or o.state is not null)`,
  'an active grant is due at its end': `
    select g.id, g.expires_at, w.run_at from grants g left join due_work w on w.subject = g.id and w.kind = 'grant.end'
    where g.state = 'active' and (w.run_at is null or w.run_at > g.expires_at)`,
  'each change of state is in the trail once': `
    select subject, kind, count(*)::int from audit_events
    where kind in ('grant.provisioning', 'grant.active', 'grant.revoking', 'grant.expired', 'grant.revoked', 'grant.failed')
    group by subject, kind having count(*) > 1`,
  'no change of state is missing from the trail': `
    select g.id, k.kind from grants g cross join lateral (
      select 'grant.active' as kind where g.state = 'active'
      union all select 'grant.revoking' where g.revoking_at is not null
      union all select 'grant.' || g.state where g.ended_at is not null) as k
    where not exists (select 1 from audit_events e where e.subject = g.id and e.kind = k.kind)`,
  'the trail hangs together': `
    select c.seq from audit_chain c join audit_events e on e.id = c.event_id
      left join audit_chain p on p.seq = c.seq - 1
    where c.hash <> sha256(coalesce(p.hash, sha256('latchkey')) || convert_to(audit_linked(c.seq, e), 'UTF8'))
    union all select h.seq from audit_head h where h.seq <> (select count(*) from audit_chain)
      or h.seq <> (select count(*) from audit_events)`,
}

/** Everything in which the broker's own books disagree with each other. */
export async function contradictions(database: FreshDatabase): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(RULES).map(async ([rule, statement]) =>
      (await database.query(statement)).map((row) => `${rule}: ${JSON.stringify(row)}`),
    ),
  )
  return found.flat()
}

/** The books agree. Who acted late for a grant that was over by then has it looked at once more: that is waited for. */
export async function expectNoContradictions(database: FreshDatabase): Promise<void> {
  await waitFor('the last looks at what is over', async () => {
    const looks = await database.query(
      `select 1 from due_work w join grants g on g.id = w.subject where w.kind = 'grant.recheck' and g.ended_at is not null`,
    )
    return looks.length === 0
  })
  expect(await contradictions(database)).toEqual([])
}
