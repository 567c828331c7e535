/** Why somebody is told. In this order: whoever has several reasons is told once, for the first. */
export const PARTS = ['decide', 'accept', 'own', 'review', 'alert', 'holder', 'proposer', 'admin', 'notice'] as const
export type Part = (typeof PARTS)[number]

const OF_KIND: Readonly<Record<string, readonly Part[]>> = {
  'request.submitted': ['own', 'decide', 'notice'],
  'request.stage': ['own', 'decide', 'notice'],
  'request.escalated': ['own', 'decide', 'notice'],
  'request.reminded': ['decide'],
  'request.cancelled': ['own', 'decide', 'notice'],
  'request.undecidable': ['own', 'admin', 'notice'],
  'request.decidable': ['own', 'decide', 'notice'],
  'request.emergency': ['own', 'review', 'alert', 'notice'],
  'grant.stuck': ['own', 'admin', 'notice'],
  'grant.rechecked': ['admin'],
  'grant.altered': ['admin'],
  'review.closed': ['own', 'review'],
  'proposal.made': ['accept'],
  'person.not_linked': ['admin'],
  'token.created': ['holder'],
}

// What these families learn to say later reaches the right people without anybody thinking of it here.
const OF_FAMILY: Readonly<Record<string, readonly Part[]>> = {
  request: ['own', 'notice'],
  grant: ['own', 'notice'],
  review: ['own', 'review'],
  proposal: ['proposer'],
  orphan: ['admin'],
  foreign: ['admin'],
  sweep: ['admin'],
  target: ['admin'],
}

/** The parts an event has something to say to. What is no transition of access (a token, a person) is told to webhooks alone. */
export function partsOf(kind: string): readonly Part[] {
  return OF_KIND[kind] ?? OF_FAMILY[kind.split('.')[0] ?? ''] ?? []
}

/** Each person once, with the weightiest of their parts. */
export function eachOnce(people: Readonly<Partial<Record<Part, readonly string[]>>>): Map<string, Part> {
  const told = new Map<string, Part>()
  for (const part of PARTS) for (const id of people[part] ?? []) if (!told.has(id)) told.set(id, part)
  return told
}

/** Whether somebody who wants to hear of these hears of an event: `grant.revoked`, `grant.*`, `*`. */
export function wants(events: readonly string[], kind: string): boolean {
  return events.some((event) => event === '*' || event === kind || (event.endsWith('.*') && kind.startsWith(event.slice(0, -1))))
}
