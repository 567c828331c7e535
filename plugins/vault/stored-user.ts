/** A grant's user as a server stores it. Of its password no server says anything. */
export type StoredUser = Readonly<Record<string, unknown>>

/** What a write leaves in each field. What the broker does not write has the value that a new user has. */
const WRITTEN: Readonly<Record<string, unknown>> = {
  token_no_default_policy: true,
  token_type: 'service',
  token_period: 0,
  token_num_uses: 0,
  token_bound_cidrs: [],
  token_strictly_bind_ip: false,
}

/** Fields that not every server, or not every version, has. */
const NEVER_WRITTEN = ['token_period', 'token_num_uses', 'token_bound_cidrs', 'token_strictly_bind_ip']

const LENGTHS = ['token_ttl', 'token_max_ttl', 'token_explicit_max_ttl'] as const

/** For the clocks between what was written and what is left now. */
const LEEWAY_SECONDS = 60

/**
 * What stands otherwise than any write of the broker's left it, or nothing. A token's longest life is chosen again when a grant is opened,
 * so only its bounds are known: one number in all three fields, and no more than `mostSeconds`, the grant as it was made.
 */
export function differencesOf(stored: StoredUser, policy: string, mostSeconds: number | undefined): string[] {
  const wanted = { token_policies: [policy], ...WRITTEN }
  const differing = Object.entries(wanted).flatMap(([field, value]) => {
    const found = stored[field] ?? (NEVER_WRITTEN.includes(field) ? value : null)
    return JSON.stringify(found) === JSON.stringify(value)
      ? []
      : `${field} is ${JSON.stringify(found)} and not ${JSON.stringify(value)}`
  })
  const lengths = LENGTHS.map((field) => stored[field])
  const [ttl] = lengths
  const isOurs =
    typeof ttl === 'number' &&
    ttl >= 1 &&
    ttl <= (mostSeconds ?? Infinity) + LEEWAY_SECONDS &&
    lengths.every((each) => each === ttl)
  if (isOurs) return differing
  const said = LENGTHS.map((field) => `${field} is ${JSON.stringify(stored[field] ?? null)}`).join(', ')
  return [...differing, `${said} and not one number of seconds within the grant`]
}
