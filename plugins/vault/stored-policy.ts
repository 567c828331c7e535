import { formerPolicyEnd, type PolicyDocument, type PolicyStamp, parsePolicyComment, policyEnd, STAMPED_PATH } from './policy.ts'

/** A grant's policy as a server stores it. */
export interface StoredPolicy {
  readonly text: string
  readonly version?: number
  /** the end of the policy as a whole, beside its text */
  readonly expiration?: string
}

interface Rule {
  readonly capabilities: readonly string[]
  readonly expiration?: string
  readonly comment?: string
}

/** Whether an end stands in what is stored: everywhere where it belongs, nowhere, or otherwise. */
export type EndWritten = 'everywhere' | 'nowhere' | 'otherwise'

/**
 * Whether what is stored means what was to be written: the same paths, on each the same capabilities, the same stamp. The order in
 * which things stand says nothing, because a plan that comes out of the database may have another.
 */
export function meansTheSame(stored: StoredPolicy, document: PolicyDocument, stamp: PolicyStamp): boolean {
  const rules = rulesIn(stored.text)
  const found = parsePolicyComment(stored.text)
  if (!rules || found?.runId !== stamp.runId || found.instance !== stamp.instance) return false
  if (found.until.getTime() !== stamp.until.getTime()) return false
  const wanted = Object.entries(document.path)
  return (
    rules.size === wanted.length &&
    wanted.every(([path, { capabilities }]) => {
      const rule = rules.get(path)
      return (
        rule !== undefined && sameSet(rule.capabilities, capabilities) && (rule.comment === undefined || path === STAMPED_PATH)
      )
    })
  )
}

/** How far the end of the access stands in the policy itself, for a server that enforces it there. */
export function endWritten({ text, expiration }: StoredPolicy, until: Date): EndWritten {
  const ends = [expiration, ...[...(rulesIn(text)?.values() ?? [])].map((rule) => rule.expiration)]
  if (ends.every((end) => end === undefined)) return 'nowhere'
  const isAll = (due: string) => ends.every((end) => end !== undefined && Date.parse(end) === Date.parse(due))
  return isAll(policyEnd(until)) || isAll(formerPolicyEnd(until)) ? 'everywhere' : 'otherwise'
}

/** The rules by path, or undefined for a text that says anything beside what we write: a key twice, HCL, another field. */
function rulesIn(text: string): Map<string, Rule> | undefined {
  const parsed = parsedJson(text)
  // What was printed by another hand may hold a key twice: the server merges both, and a reader sees one.
  if (JSON.stringify(parsed) !== text || !hasOnly(parsed, ['path']) || !isObject(parsed['path'])) return undefined
  const rules = new Map<string, Rule>()
  for (const [path, rule] of Object.entries(parsed['path'])) {
    if (!isRule(rule)) return undefined
    rules.set(path, rule)
  }
  return rules
}

function isRule(rule: unknown): rule is Rule {
  if (!hasOnly(rule, ['capabilities', 'expiration', 'comment'])) return false
  const { capabilities, expiration, comment } = rule
  return (
    Array.isArray(capabilities) &&
    capabilities.every((capability) => typeof capability === 'string') &&
    (expiration === undefined || typeof expiration === 'string') &&
    (comment === undefined || typeof comment === 'string')
  )
}

function sameSet(some: readonly string[], others: readonly string[]): boolean {
  const set = new Set(some)
  return set.size === some.length && set.size === new Set(others).size && others.every((each) => set.has(each))
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function hasOnly(value: unknown, keys: readonly string[]): value is Record<string, unknown> {
  return isObject(value) && Object.keys(value).every((key) => keys.includes(key))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
