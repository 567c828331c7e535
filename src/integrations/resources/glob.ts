/** A pattern is literal but for `*`, anything within a segment, and `**`, anything at all, slashes included. */
type Token = { readonly literal: string } | 'segment' | 'anything'

function tokensOf(pattern: string): Token[] {
  return pattern
    .split(/(\*\*+|\*)/)
    .filter((part) => part !== '')
    .map((part) => (part === '*' ? 'segment' : part.startsWith('**') ? 'anything' : { literal: part }))
}

/** Whether a whole name fits. Every state is followed at once, so no pattern makes it slow: at most pattern × name steps. */
export function matchesGlob(pattern: string, name: string): boolean {
  const cells = tokensOf(pattern).flatMap((token): Cell[] => (typeof token === 'string' ? [token] : [...units(token.literal)]))
  let here = new Uint8Array(cells.length + 1)
  here[0] = 1
  skipWildcards(cells, here)
  for (const unit of units(name)) {
    const next = new Uint8Array(cells.length + 1)
    let alive = false
    for (let at = 0; at < cells.length; at++) {
      if (!here[at]) continue
      const cell = cells[at]
      const to = cell === 'anything' || (cell === 'segment' && unit !== SLASH) ? at : cell === unit ? at + 1 : -1
      if (to < 0) continue
      next[to] = 1
      alive = true
    }
    if (!alive) return false
    skipWildcards(cells, next)
    here = next
  }
  return here[cells.length] === 1
}

/** The same in PostgreSQL's regular expressions, whose automaton does not backtrack either. */
export function globToRegex(pattern: string): string {
  const body = tokensOf(pattern).map((token) => {
    if (token === 'segment') return '[^/]*'
    if (token === 'anything') return '.*'
    return token.literal.replace(/[\\^$.|?+()[\]{}]/g, '\\$&')
  })
  return `^${body.join('')}$`
}

/** What follows a LIKE that must contain the text as it stands. */
export function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}

type Cell = number | 'segment' | 'anything'
const SLASH = 0x2f

function* units(text: string): Generator<number> {
  for (let i = 0; i < text.length; i++) yield text.charCodeAt(i)
}

/** A wildcard may stand for nothing. */
function skipWildcards(cells: readonly Cell[], states: Uint8Array): void {
  for (let at = 0; at < cells.length; at++) if (states[at] && typeof cells[at] === 'string') states[at + 1] = 1
}
