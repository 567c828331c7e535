import { expect } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { GRANT_WORK } from '../../src/grants/grant.ts'
import { DISCOVERY_WORK } from '../../src/integrations/discovery/discovery.ts'
import { newId } from '../../src/platform/ids.ts'
import { type Makers, makersOf } from './matrix-makers.ts'
import { everyRole, type MatrixWorld, peopleOf, type Somebody, stage } from './matrix-world.ts'

/** A thing of one kind, in each state in which it can be, and everybody by what they are to it. */
export interface Kind {
  readonly people: Readonly<Record<string, Somebody>>
  make(state: string): Promise<string>
}

export interface Kinds {
  readonly requests: Kind
  readonly grants: Kind
  readonly namedReviews: Kind
  readonly reviews: Kind
  readonly flowProposals: Kind
  readonly integrationProposals: Kind
  readonly integrations: Kind
  readonly tokens: Kind
  readonly sessions: Kind
}

export async function kindsOf(world: MatrixWorld): Promise<Kinds> {
  const make = makersOf(world)
  const roles = await everyRole(world)
  const names = [
    'requester',
    'past',
    'left',
    'waiting',
    'later',
    'unasked',
    'alerted',
    'reviewer',
    'integrationOwner',
    'stranger',
  ]
  const made = await Promise.all(names.map(async (name) => [name, await world.person(name)] as const))
  const people = Object.fromEntries([...roles, ...made]) as Record<string, Somebody>
  await make.owners(people['integrationOwner']!)
  const proposer = await world.person('proposer', ['admin'])
  const { stranger, owner } = people as { stranger: Somebody; owner: Somebody }
  const own = { ...people, owner: await world.person('theirs'), ownerRole: owner, stranger }
  return {
    requests: await requests(world, make, people),
    grants: await grants(world, make, { ...people, grantee: people['requester']! }),
    namedReviews: await reviews(world, make, people, { reviewers: peopleOf(people['reviewer']!) }),
    reviews: await reviews(world, make, people, {}),
    flowProposals: await proposals(world, { ...people, proposer }, `/api/access-flows/${await make.flow()}`, { active: false }),
    integrationProposals: await proposals(world, { ...people, proposer }, `/api/integrations/${await make.integration()}`, {
      accessDetails: 'hello',
      skipTest: true,
    }),
    integrations: integrations(world, make, people),
    tokens: {
      people: own,
      make: async (state) => {
        const id = await make.tokenOf(own.owner)
        const past = `set created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour'`
        const change = state === 'expired' ? past : state === 'revoked' ? 'set revoked_at = now()' : 'set name = name'
        await world.query(`update api_tokens ${change} where id = $1`, [id])
        return id
      },
    },
    sessions: {
      people: own,
      make: async (state) => {
        const id = await make.sessionOf(own.owner)
        if (state === 'expired') await world.query('update http_sessions set expire = now() where id = $1', [id])
        return id
      },
    },
  }
}

type People = Record<string, Somebody>

async function requests(world: MatrixWorld, make: Makers, people: People): Promise<Kind> {
  const { requester, past, left, waiting, later } = people as Record<
    'requester' | 'past' | 'left' | 'waiting' | 'later',
    Somebody
  >
  const flow = await world.flow({ kind: 'stages', stages: [stage(past), stage(waiting), stage(later)] })
  return {
    people,
    make: async (state) => {
      const { id } = await make.request(requester, flow)
      await make.decide(past, id, 'approve')
      await approvedOnce(world, id, left)
      if (state === 'rejected') await make.decide(waiting, id, 'reject')
      if (state === 'approved') for (const who of [waiting, later]) await make.decide(who, id, 'approve')
      if (state === 'cancelled') await requester.api.must(requester.api.post(`/api/access-requests/${id}/cancel`))
      if (state === 'expired') await world.query('update due_work set run_at = now() where subject = $1', [id])
      await waitFor(`the request to be ${state}`, async () => {
        return (await requester.api.must(requester.api.get(`/api/access-requests/${id}`))).state === state
      })
      return id
    },
  }
}

/** As one who approved and is not among the approvers any more. */
function approvedOnce({ query }: MatrixWorld, requestId: string, who: Somebody) {
  return query(`insert into approvals (id, request_id, approver_id, decision) values ($1, $2, $3, 'approve')`, [
    newId('apr'),
    requestId,
    who.id,
  ])
}

async function grants(world: MatrixWorld, make: Makers, people: People): Promise<Kind> {
  const { grantee, past, left, unasked } = people as Record<'grantee' | 'past' | 'left' | 'unasked', Somebody>
  const flow = await world.flow({ kind: 'stages', stages: [stage(past, unasked)] })
  const until = (id: string, state: string) =>
    waitFor(`the grant to be ${state}`, async () => {
      return (await grantee.api.must(grantee.api.get(`/api/grants/${id}`))).state === state
    })
  const held = async (id: string, change: string, lane: string, kind: string) => {
    await world.query(`update grants set ${change} where id = $1`, [id])
    await world.query('delete from due_work where subject = $1', [id])
    // The reconciler may have written it again meanwhile.
    await world.query(
      `insert into due_work as w (lane, kind, subject, run_at) values ($1, $2, $3, now() + interval '1 day')
       on conflict (kind, subject) do update set run_at = excluded.run_at`,
      [lane, kind, id],
    )
  }
  return {
    people,
    make: async (state) => {
      const request = await make.request(grantee, flow)
      const { grantId: id } = await make.decide(past, request.id, 'approve')
      await approvedOnce(world, request.id, left)
      await until(id, 'active')
      await grantee.api.must(grantee.api.post(`/api/grants/${id}/open`))
      if (state === 'active') return id
      if (state === 'scheduled' || state === 'provisioning') {
        await held(id, `state = '${state}'`, 'provision', GRANT_WORK.provision)
        return id
      }
      if (state === 'revoking' || state === 'stuck') {
        await held(id, `state = '${state}', end_reason = 'revoked', revoking_at = now()`, 'cut', GRANT_WORK.end)
        return id
      }
      await grantee.api.must(grantee.api.post(`/api/grants/${id}/give-back`))
      await until(id, 'revoked')
      await world.query('update grants set state = $2 where id = $1', [id, state])
      return id
    },
  }
}

async function reviews(world: MatrixWorld, make: Makers, people: People, more: object): Promise<Kind> {
  const { requester, alerted, reviewer } = people as Record<'requester' | 'alerted' | 'reviewer', Somebody>
  const flow = await world.flow({ kind: 'emergency', alert: peopleOf(alerted), ...more })
  return {
    people,
    make: async (state) => {
      const request = await make.request(requester, flow, { emergency: true })
      const [review] = await world.query<{ id: string }>('select id from emergency_reviews where request_id = $1', [request.id])
      const id = review!.id
      if (state === 'closed') {
        await world.query('update emergency_reviews set closed_at = now(), closed_by = $2 where id = $1', [id, reviewer.id])
      }
      return id
    },
  }
}

async function proposals({ cautious }: MatrixWorld, people: People, path: string, change: object): Promise<Kind> {
  const proposer = people['proposer']!
  const api = cautious.api(proposer.token)
  const decider = people['admin']!.api // the broker's first admin made the proposer's token
  return {
    people,
    make: async (state) => {
      const { id } = await api.must(api.patch(path, change))
      if (state === 'accepted') {
        await decider.must(decider.post(`/api/proposals/${id}/accept`))
        await waitFor(
          'the change to be made',
          async () => (await api.must(api.get(`/api/proposals/${id}`))).state === 'performed',
        )
      }
      if (state === 'declined') await decider.must(decider.post(`/api/proposals/${id}/decline`))
      if (state === 'withdrawn') await api.must(api.post(`/api/proposals/${id}/withdraw`))
      return id
    },
  }
}

function integrations({ admin, query }: MatrixWorld, make: Makers, people: People): Kind {
  const ownership = { owners: peopleOf(people['integrationOwner']!), resourceOwner: null }
  return {
    people,
    make: async (state) => {
      const id = await make.integration()
      const at = `/api/integrations/${id}`
      await admin.must(admin.put(`${at}/ownership`, ownership))
      // A sync that the broker itself has under way is answered otherwise than one that is begun.
      await waitFor('its first discovery to be over', async () => {
        const [over] = await query(
          `select 1 from due_work where kind = $1 and subject = $2 and locked_by is null and run_at > clock_timestamp()`,
          [DISCOVERY_WORK, id],
        )
        return over !== undefined
      })
      expect(await admin.must(admin.get(`${at}/sync`))).toMatchObject({ state: 'completed' })
      if (state === 'paused') await admin.must(admin.post(`${at}/pause`))
      if (state === 'removed') await admin.must(admin.delete(at))
      return id
    },
  }
}
