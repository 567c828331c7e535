import type { Part } from '../audit/kinds/kind.ts'
import type { ChainEvent } from './chain-event.ts'
import type { Facts } from './facts.ts'

/** Where a reader sees more of what happened. */
export interface WhereToLook {
  /** that shows it at the command line; undefined: this reader may see nothing of it */
  readonly command: string | undefined
  /** of its page in the portal, below the broker's address; undefined: there is no page yet that shows it */
  readonly path: string | undefined
}

/** Of the things that admins and owners alone see. */
const PLACES: Readonly<Record<string, string>> = {
  int: '/api/integrations',
  crt: '/api/certificates',
  cso: '/api/certificate-sources',
  dst: '/api/distributions',
  prp: '/api/proposals',
  tgt: '/api/targets',
  usr: '/api/users',
  whk: '/api/webhooks',
}

export function whereToLook(event: ChainEvent, facts: Facts | undefined, part: Part): WhereToLook {
  return { command: commandOf(event, facts, part), path: pathOf(event, facts, part) }
}

function commandOf({ subject }: ChainEvent, facts: Facts | undefined, part: Part): string | undefined {
  if (facts && part === 'own') return 'latchkey requests'
  if (facts && part === 'decide') return 'latchkey requests --to-approve'
  if (facts) return `latchkey api GET /api/access-requests/${facts.requestId}`
  if (part === 'self') return 'latchkey api GET /api/me'
  if (part === 'holder') return 'latchkey api GET /api/tokens'
  if (part === 'notice') return undefined
  const [prefix = ''] = subject.split('_', 1)
  if (prefix === 'run') return `latchkey runs ${subject}`
  if (prefix === 'rot') return `latchkey rotations ${subject}`
  if (prefix === 'sct') return 'latchkey api GET /api/scim-tokens'
  return PLACES[prefix] && `latchkey api GET ${PLACES[prefix]}/${subject}`
}

/** Of the same things, those that have a page in the portal, and the lists that show others. Only pages that there are: see its router. */
const PAGES: Readonly<Record<string, (subject: string) => string>> = {
  int: (subject) => `/integrations/${subject}`,
  crt: () => '/certificates',
  dst: (subject) => `/distributions/${subject}`,
  prp: (subject) => `/proposals/${subject}`,
  rot: () => '/rotations',
  run: (subject) => `/runs/${subject}`,
}

function pathOf({ subject }: ChainEvent, facts: Facts | undefined, part: Part): string | undefined {
  if (facts) return `/requests/${facts.requestId}`
  return part === 'notice' ? undefined : PAGES[subject.split('_', 1)[0] ?? '']?.(subject)
}
