import type { Party, Stage, Stages } from './stages.ts'

/**
 * The first stage for which there are not enough people; undefined when there are for all. Where somebody counts once per request, the
 * stages before have taken some: each party must find people beside those, and the one that has the fewest to spare is given its own.
 */
export function firstUnapprovable({ stages, mayRepeat }: Stages): number | undefined {
  const taken = new Map<string, Seat>()
  const blocked = stages.findIndex((stage) => {
    if (!canBeApproved(stage)) return true
    if (mayRepeat) return false
    const tightest = stage.parties.reduce((one, other) => (spare(other) < spare(one) ? other : one))
    return !stage.parties.every((party) => allSeated(party, new Map(taken))) || !allSeated(tightest, taken)
  })
  return blocked < 0 ? undefined : blocked
}

function allSeated(party: Party, taken: Map<string, Seat>): boolean {
  return Array.from({ length: party.needed }, () => ({ party })).every((seat) => seated(seat, taken))
}

/** One approval that is needed. */
interface Seat {
  readonly party: Party
}

/** Finds somebody for a seat; who sits elsewhere moves if they can. */
function seated(seat: Seat, taken: Map<string, Seat>, asked = new Set<string>()): boolean {
  for (const person of seat.party.people) {
    if (asked.has(person)) continue
    asked.add(person)
    const before = taken.get(person)
    if (before && !seated(before, taken, asked)) continue
    taken.set(person, seat)
    return true
  }
  return false
}

function canBeApproved(stage: Stage): boolean {
  return stage.parties.every((party) => party.needed > 0 && party.people.size >= party.needed)
}

const spare = (party: Party) => party.people.size - party.needed
