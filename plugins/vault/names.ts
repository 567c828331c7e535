import { unaskable } from '../../vault/index.ts'

const RUN_ID = /^run_([0-9a-z]{26})$/
const USER_NAME = /^(\d{10})-(\d{41})$/
const TRANSIT_KEY = /^\w(?:[\w.-]*\w)?$/

/** Derived from the run alone, and never used again: an old token that names it would wake up. */
export function policyNameFor(prefix: string, runId: string): string {
  return prefix + idOf(runId)
}

/** Digits and a dash only: a name without letters has no second spelling that a login could use and a revocation would miss. */
export function userNameFor(instance: string, runId: string): string {
  let number = 0n
  for (const char of idOf(runId)) number = number * 36n + BigInt(Number.parseInt(char, 36))
  return `${instance}-${number.toString().padStart(41, '0')}`
}

/** Whose user this is, or undefined for a name that we do not give. */
export function ownerOfUser(name: string): { readonly instance: string; readonly runId: string } | undefined {
  const [, instance, digits] = USER_NAME.exec(name) ?? []
  if (instance === undefined || digits === undefined) return undefined
  const id = BigInt(digits).toString(36).padStart(26, '0')
  return id.length === 26 ? { instance, runId: `run_${id}` } : undefined
}

/**
 * Why no policy can name exactly this path, or undefined. `*`, `+` and `{{` keep their power in a policy however they are written, and
 * what nobody can ask for nobody could use.
 */
export function ungrantable(path: string): string | undefined {
  const reason = unaskable(path)
  if (reason) return reason
  if (path.endsWith('*')) return 'the name ends with *, which a policy reads as "everything that begins so"'
  if (path.includes('/+') || path.startsWith('+') || path.includes('+*'))
    return 'a segment begins with +, which a policy reads as "any"'
  if (path.includes('{{') || path.includes('}}')) return 'the name holds {{ or }}, which a policy reads as a template'
  return undefined
}

/** As `ungrantable`, for the name of a Transit key, which the server holds to a grammar of its own. */
export function ungrantableKey(name: string): string | undefined {
  return TRANSIT_KEY.test(name) ? undefined : 'Transit gives keys no such name'
}

function idOf(runId: string): string {
  const [, id] = RUN_ID.exec(runId) ?? []
  if (id === undefined) throw new TypeError(`${runId} is not a run's id`)
  return id
}
