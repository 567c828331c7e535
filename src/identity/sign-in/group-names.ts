import { name } from '../../contract/text.ts'

/** A group that somebody is not put into, and why. Its name is written so that it can be read. */
export interface RefusedName {
  readonly name: string
  readonly why: string
}

/** What a provider said of somebody's groups. `told: false` is no empty list: it has groups it did not tell. */
export type GroupsSaid =
  | { readonly told: true; readonly names: readonly string[]; readonly refused: readonly RefusedName[] }
  | { readonly told: false; readonly why: string }

const MOST_GROUPS = 500
const LONGEST = 255
const groupName = name({ max: LONGEST })

export const NO_GROUPS: GroupsSaid = { told: true, names: [], refused: [] }

export const UNTOLD = {
  overage: 'there are too many for the provider’s answer, which only says where to ask for them',
  shape: 'the claim holds no list of names',
  silent: 'neither the access token nor userinfo has them',
  notRepeated: 'the provider sends them only at sign-in',
} as const

/** undefined when the claims do not mention groups at all. */
export function readGroups(claims: Readonly<Record<string, unknown>>, claim: string): GroupsSaid | undefined {
  if (isOverage(claims, claim)) return { told: false, why: UNTOLD.overage }
  const said = Object.hasOwn(claims, claim) ? (claims[claim] ?? undefined) : undefined
  if (said === undefined) return undefined
  const list = typeof said === 'string' ? [said] : said
  if (!Array.isArray(list) || list.some((one) => typeof one === 'object' && one !== null)) {
    return { told: false, why: UNTOLD.shape }
  }
  const names = new Set<string>()
  const refused: RefusedName[] = []
  for (const one of list as unknown[]) {
    const why = flawOfGroup(one, names.size)
    if (why === undefined) names.add(one as string)
    else refused.push({ name: legible(one), why })
  }
  return { told: true, names: [...names], refused }
}

/** Entra's way, which is OpenID Connect's for claims that are kept elsewhere, and its older one. */
function isOverage(claims: Readonly<Record<string, unknown>>, claim: string): boolean {
  const elsewhere = claims['_claim_names']
  if (typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, claim)) return true
  return [true, 'true'].includes(claims['hasgroups'] as string | boolean)
}

// A name that is trimmed or shortened is another name, and with it another group.
function flawOfGroup(said: unknown, count: number): string | undefined {
  if (typeof said !== 'string') return 'it is not text'
  if (said === '') return 'it is empty'
  if (said.length > LONGEST) return `it is longer than ${LONGEST} characters`
  if (groupName.safeParse(said).data !== said) return 'it has characters that cannot be seen, or spaces around it'
  return count >= MOST_GROUPS ? `it is beyond the first ${MOST_GROUPS}` : undefined
}

/** Of what a provider sent: shortened, and nothing in it that could pass for something else. */
function legible(said: unknown): string {
  const text = (typeof said === 'string' ? said : `${said}`).slice(0, 300)
  return text.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (one) => `\\u{${one.codePointAt(0)!.toString(16)}}`)
}
