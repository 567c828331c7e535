/**
 * Everybody whose doing an act may be: its person, who made the token it was done with and the tokens before it, and what the identity
 * provider calls each of them. Ids can be shed by leaving and being made again; what the provider calls somebody cannot.
 */
export type Hands = readonly string[]

/** Whether two acts may be one person's doing. */
export function meet(one: Hands, other: Hands): boolean {
  return one.some((hand) => other.includes(hand))
}
