import { FLOWS } from './commands.ts'
import type { Fact } from './facts.ts'
import type { Credential, Place } from './ground.ts'
import type { Model } from './model.ts'

export interface Untruths {
  /** what must not be for a moment */
  readonly ever: readonly string[]
  /** what must not be when everything is done */
  readonly yet: readonly string[]
}

/** What is not as it must be at the target, which was looked at after the books. */
export async function untruths(
  model: Model,
  facts: readonly Fact[],
  place: Place,
  credentials: ReadonlyMap<number, Credential>,
): Promise<Untruths> {
  const wrong: string[] = []
  // Of a state that was put back nothing can be said before it is swept.
  const ever: string[] = []
  const sure = model.kept ? wrong : ever
  const keys = new Map<number, number>()
  const grantOf = new Map(facts.map((fact, at) => [fact.run, at]))
  for (const { run, how } of await place.powers()) {
    const at = grantOf.get(run)
    const grant = at === undefined ? undefined : model.asks[at]?.grant
    if (!grant || at === undefined) {
      sure.push(`${how}: power that nobody approved`)
      continue
    }
    keys.set(at, (keys.get(at) ?? 0) + 1)
    const endsItself = FLOWS[model.asks[at]!.flow]!.delivery === 'token' && place.turn !== undefined
    if (facts[at]!.grant?.isCut) sure.push(`${how}: power of grant ${at}, which is said to be cut`)
    if (grant.phase === 'over' || (grant.phase === 'ending' && !model.isDown))
      wrong.push(`${how}: power of grant ${at}, which is over`)
    if (endsItself && grant.endsAt <= model.minute) sure.push(`${how}: power of grant ${at} beyond its time`)
  }
  // After an extension the credential from before lasts to its own end.
  for (const [at, count] of keys) {
    const most = 1 + model.asks[at]!.grant!.extensions
    if (count > most && !model.kept) wrong.push(`grant ${at} has ${count} credentials that work`)
  }
  const left = await place.left(facts.flatMap(({ run, grant }) => (grant?.isOver ? [run] : [])))
  for (const [at, { run, grant }] of facts.entries()) {
    if (!grant?.isOver) continue
    const pieces = left.get(run) ?? []
    if (pieces.length > 0) wrong.push(`grant ${at} is ${grant.state}, and there is still ${pieces.join(', ')}`)
    if (!grant.receipt?.evidence.every(({ gone }) => gone))
      wrong.push(`grant ${at} is ${grant.state} without a receipt that says so`)
    if (grant.liveOpenings > 0) wrong.push(`grant ${at} is ${grant.state}, and its credential is not`)
  }
  for (const strange of await place.missed()) wrong.push(`${strange} was not the broker's to remove`)
  for (const [at, credential] of credentials) {
    const grant = model.asks[at]!.grant!
    const works = await credential.works()
    const must = grant.phase === 'active' && grant.credential!.until > model.minute
    // Where the target is away nothing can be taken back there yet.
    const mayWork = grant.phase === 'active' || (grant.phase === 'ending' && model.isDown)
    if (works && !mayWork) wrong.push(`the credential of grant ${at} works although it is ${grant.phase}`)
    if (!works && must && grant.credential!.isSure) wrong.push(`the credential of grant ${at} does not work`)
  }
  return { ever, yet: wrong }
}
