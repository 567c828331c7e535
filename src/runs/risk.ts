import type { Integration } from '../integrations/integration.ts'
import { type AnyAction, isReversible, type Severity } from '../sdk/index.ts'

export type Level = Severity

export interface Risk {
  readonly level: Level
  /** what makes it so, a sentence each */
  readonly reasons: readonly string[]
}

/** A resource that an action is done to, with what discovery knows of it. */
export interface KnownConcern {
  readonly type: string
  readonly name: string
  /** undefined: discovery has not seen it */
  readonly tags: Readonly<Record<string, string>> | undefined
}

export function isHigher(level: Level, than: Level): boolean {
  return WEIGHT[level] > WEIGHT[than]
}

const WEIGHT: Readonly<Record<Level, number>> = { low: 1, medium: 2, high: 4 }
const ENVIRONMENT_TAGS = /^(env|environment|stage|tier)$/i
const PRODUCTION = /^(p|prd|prod|production|live)$/i
/** From here on a run has this level. */
const MEDIUM = 3
const HIGH = 6
const MANY = 10

/**
 * How much could go wrong: what is done, with this input × how many things it is done to × whether one of them is production × whether it
 * can be undone.
 * What nobody tagged may be production.
 */
export function riskOf(
  action: Pick<AnyAction<unknown>, 'title' | 'severity' | 'weigh'> & (object | { irreversible: string }),
  input: unknown,
  concerns: readonly KnownConcern[],
  integration: Pick<Integration, 'name'>,
  /** what cannot be undone, and why, in a sentence; undefined where an undo is there as far as anybody knows */
  forGood = isReversible(action as AnyAction<unknown>) ? undefined : 'It cannot be undone.',
): Risk {
  const weight = action.weigh?.(input)
  const severity = weight?.severity ?? action.severity ?? 'medium'
  const reasons = [`“${action.title}” is of ${severity} severity.`, ...(weight?.because ?? [])]
  let score = WEIGHT[severity]
  if (forGood !== undefined) {
    score *= 1.5
    reasons.push(forGood)
  }
  const things = Math.max(concerns.length, weight?.parts ?? 0)
  if (things > 1) {
    score *= things > MANY ? 2 : 1.5
    reasons.push(`It changes ${things} things at once.`)
  }
  const production = concerns.find(({ tags }) => environmentOf(tags)?.match(PRODUCTION))
  const unknown = concerns.filter(({ tags }) => environmentOf(tags) === undefined)
  if (production) {
    score *= 2
    reasons.push(`${production.name} is tagged as ${environmentOf(production.tags)}.`)
  } else if (unknown.length > 0 || concerns.length === 0) {
    score *= 1.5
    const what = unknown[0]?.name ?? integration.name
    reasons.push(`No tag says which environment ${what} belongs to, so it may be production.`)
  }
  return { level: score >= HIGH ? 'high' : score >= MEDIUM ? 'medium' : 'low', reasons }
}

function environmentOf(tags: KnownConcern['tags']): string | undefined {
  return Object.entries(tags ?? {}).find(([key]) => ENVIRONMENT_TAGS.test(key))?.[1]
}
