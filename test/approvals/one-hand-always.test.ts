import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { ROLES, SCOPES } from '../../src/contract/identity.ts'
import type { Answer, Api } from '../support/api.ts'
import { IS_WHOLE } from '../support/gate-share.ts'
import { type Makers, makersOf } from '../support/matrix-makers.ts'
import { type MatrixWorld, peopleOf, type Somebody, startMatrixWorld } from '../support/matrix-world.ts'
import { tokenThrough } from '../support/own-token.ts'

const PEOPLE = 5
const SEED = 20261125

/** A token or session: whose it is, and in whose hands besides. */
interface Held {
  readonly who: number
  readonly hands: ReadonlySet<number>
  readonly api: Api
  readonly careful: Api
}

let world: MatrixWorld
let make: Makers
let people: Somebody[]

beforeAll(async () => {
  world = await startMatrixWorld()
  make = makersOf(world)
  people = await Promise.all(Array.from({ length: PEOPLE }, (_, i) => world.person(`person ${i}`, ROLES)))
})
afterAll(() => world?.close())

const person = fc.nat(PEOPLE - 1)
/** Everybody has one that nobody made for them; then each is made with one that is there already. */
const graph = fc.array(fc.record({ madeWith: fc.nat(30), whose: person }), { minLength: 2, maxLength: 10 })
type Graph = readonly { readonly madeWith: number; readonly whose: number }[]

async function held(steps: Graph): Promise<Held[]> {
  const all: Held[] = []
  const add = async (who: number, makers: ReadonlySet<number>) => {
    const ids = [...makers].map((maker) => people[maker]!.id)
    const { token } = await tokenThrough(world.broker.database, people[who]!.id, SCOPES, ids)
    all.push({ who, hands: new Set([who, ...makers]), api: world.broker.api(token), careful: world.cautious.api(token) })
  }
  for (let who = 0; who < PEOPLE; who++) await add(who, new Set())
  for (const { madeWith, whose } of steps) await add(whose, all[madeWith % all.length]!.hands)
  return all
}

const meet = (one: Iterable<number>, other: ReadonlySet<number>) => [...one].some((hand) => other.has(hand))
const told = ({ status, body }: Answer) => (status < 400 ? 'done' : (body.code as string))
const untilActive = (grantId: string) =>
  waitFor('the grant', async () => (await world.admin.get(`/api/grants/${grantId}`)).body.state === 'active')

/** What was done so far with one access, as hands: who asked for it and opened it, and who approved or reviewed it. */
class Sides {
  readonly users = new Set<number>()
  readonly judges = new Set<number>()

  usedBy({ hands }: Held): void {
    for (const hand of hands) this.users.add(hand)
  }

  judgedBy({ hands }: Held): void {
    for (const hand of hands) this.judges.add(hand)
  }
}

/** Presses as each of them in turn, and foretells every answer; answers whether the request was approved. */
async function approvals(id: string, by: readonly Held[], sides: Sides, isStaged: boolean, mayRepeat: boolean): Promise<boolean> {
  const counted: { approval: Held; stage: number }[] = []
  for (const one of by) {
    const stage = isStaged ? counted.length : 0
    const rivals = counted.filter((each) => each.stage === stage || !mayRepeat)
    const expected = meet(one.hands, sides.users)
      ? 'access.self_approval'
      : counted.some((each) => each.stage === stage && each.approval.who === one.who)
        ? 'conflict'
        : rivals.some(({ approval }) => meet(one.hands, approval.hands))
          ? 'access.same_person'
          : 'done'
    expect(told(await one.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' }))).toBe(expected)
    if (expected !== 'done') continue
    counted.push({ approval: one, stage })
    sides.judgedBy(one)
    if (counted.length === 2) return true
  }
  return false
}

it('asks, approves, opens and extends with as many people as it takes, whichever hand made which tokens', {
  timeout: 600_000,
}, async () => {
  const flows = {
    both: await world.flow({ kind: 'approvers', ...peopleOf(...people), needed: 2 }),
    staged: await world.flow({ kind: 'stages', stages: [everybody(), everybody()] }),
    repeating: await world.flow({ kind: 'stages', stages: [everybody(), everybody()], mayRepeat: true }),
  }
  const story = fc.record({
    steps: graph,
    flow: fc.constantFrom(...(Object.keys(flows) as (keyof typeof flows)[])),
    asks: fc.nat(30),
    approve: fc.array(fc.nat(30), { minLength: 4, maxLength: 12 }),
    opens: fc.array(fc.nat(30), { maxLength: 4 }),
    extends: fc.nat(30),
    approveMore: fc.array(fc.nat(30), { maxLength: 5 }),
  })
  const seen = new Map<string, number>()
  const note = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1)
  const property = fc.asyncProperty(story, async (drawn) => {
    const all = await held(drawn.steps)
    const pick = (n: number) => all[n % all.length]!
    const flowId = flows[drawn.flow]
    const isStaged = drawn.flow !== 'both'
    const mayRepeat = drawn.flow === 'repeating'
    const enough = ({ hands }: Held) => PEOPLE - hands.size >= (mayRepeat ? 1 : 2)
    const sides = new Sides()

    const asker = pick(drawn.asks)
    const asked = await asker.api.post('/api/access-requests', { ...make.bodies.ask(), flowId })
    expect(told(asked)).toBe(enough(asker) ? 'done' : 'access.no_approver')
    if (!enough(asker)) return note('too few')
    sides.usedBy(asker)
    // A person is drawn first, and then everybody for themselves.
    const by = [...drawn.approve.map(pick), ...all.slice(0, PEOPLE)]
    if (!(await approvals(asked.body.id, by, sides, isStaged, mayRepeat))) return note('waits')
    const { grantId } = (await world.admin.get(`/api/access-requests/${asked.body.id}`)).body
    await untilActive(grantId)

    const theirs = all.filter(({ who }) => who === asker.who)
    for (const n of drawn.opens) {
      const opener = theirs[n % theirs.length]!
      const isJudge = meet(opener.hands, sides.judges)
      expect(told(await opener.api.post(`/api/grants/${grantId}/open`))).toBe(isJudge ? 'access.same_person' : 'done')
      note(isJudge ? 'not opened' : 'opened')
      if (!isJudge) sides.usedBy(opener)
    }
    const extender = theirs[drawn.extends % theirs.length]!
    const more = await extender.api.post(`/api/grants/${grantId}/extend`, { seconds: 60 })
    const isJudge = meet(extender.hands, sides.judges)
    expect(told(more)).toBe(isJudge ? 'access.same_person' : enough(extender) ? 'done' : 'access.no_approver')
    if (told(more) !== 'done') return note('not extended')
    sides.usedBy(extender)
    note('extended')
    await approvals(more.body.id, drawn.approveMore.map(pick), sides, isStaged, mayRepeat)
  })
  await fc.assert(property, { numRuns: IS_WHOLE ? 40 : 14, seed: SEED, endOnFailure: true })
  for (const what of ['opened', 'not opened', 'extended', 'not extended']) expect(seen.get(what), what).toBeGreaterThan(0)
})

it('reviews emergencies and accepts proposals with a second person, whichever hand made which tokens', {
  timeout: 600_000,
}, async () => {
  const flow = await world.flow({ kind: 'emergency', alert: peopleOf(people[0]!), reviewers: peopleOf(...people) })
  const changed = await make.flow()
  const story = fc.record({
    steps: graph,
    first: fc.nat(30),
    opens: fc.nat(30),
    seconds: fc.array(fc.nat(30), { minLength: 1, maxLength: 5 }),
    opensLater: fc.nat(30),
  })
  const seen = new Map<string, number>()
  const property = fc.asyncProperty(story, async (drawn) => {
    const all = await held(drawn.steps)
    const pick = (n: number) => all[n % all.length]!
    const first = pick(drawn.first)
    const theirs = all.filter(({ who }) => who === first.who)

    const proposed = await first.careful.must(first.careful.patch(`/api/access-flows/${changed}`, { active: false }))
    const sides = new Sides()
    const asked = await first.api.must(
      first.api.post('/api/access-requests', { ...make.bodies.ask(), flowId: flow, emergency: true }),
    )
    sides.usedBy(first)
    await untilActive(asked.grantId)
    const opener = theirs[drawn.opens % theirs.length]!
    await opener.api.must(opener.api.post(`/api/grants/${asked.grantId}/open`))
    sides.usedBy(opener)
    const [review] = await world.query<{ id: string }>('select id from emergency_reviews where request_id = $1', [asked.id])

    let isClosed = false
    let isAccepted = false
    for (const second of [...drawn.seconds.map(pick), ...all.slice(0, PEOPLE)]) {
      const closing = await second.api.post(`/api/emergency-reviews/${review!.id}/close`, { note: 'seen' })
      const isTheirs = meet(second.hands, sides.users)
      expect(told(closing)).toBe(isTheirs ? 'access.self_approval' : isClosed ? 'conflict' : 'done')
      if (told(closing) === 'done') {
        isClosed = true
        sides.judgedBy(second)
      }
      if (!isAccepted) {
        const accepting = await second.careful.post(`/api/proposals/${proposed.id}/accept`)
        const isOwn = meet(second.hands, first.hands)
        expect(told(accepting)).toBe(isOwn ? 'access.self_approval' : 'done')
        isAccepted = !isOwn
      }
    }
    const later = theirs[drawn.opensLater % theirs.length]!
    const isJudge = meet(later.hands, sides.judges)
    expect(told(await later.api.post(`/api/grants/${asked.grantId}/open`))).toBe(isJudge ? 'access.same_person' : 'done')
    for (const [what, isSo] of Object.entries({ closed: isClosed, accepted: isAccepted, 'not opened again': isJudge })) {
      if (isSo) seen.set(what, (seen.get(what) ?? 0) + 1)
    }
  })
  await fc.assert(property, { numRuns: IS_WHOLE ? 25 : 9, seed: SEED, endOnFailure: true })
  for (const what of ['closed', 'accepted', 'not opened again']) expect(seen.get(what), what).toBeGreaterThan(0)
})

function everybody() {
  return { approvers: [{ kind: 'people', ...peopleOf(...people) }] }
}
