import { ScimRefusal } from '../../platform/http/scim-error.ts'
import { descriptionIn, matches, type Values } from './filter-match.ts'
import { partsOf } from './patch.ts'
import { named, type Target } from './paths.ts'
import { plainValue } from './plain-value.ts'
import type { Attribute } from './schemas.ts'

/** A person while they are being changed: by the names of the schema, checked when all is done. */
export type Draft = Record<string, unknown>

type Email = Record<string, string | boolean>

export function writeEmails(draft: Draft, op: 'add' | 'replace', target: Target, value: unknown): void {
  const emails = emailsOf(draft)
  if (!target.filter && !target.part) {
    const given = listOf(value, target.attribute)
    draft['emails'] = op === 'replace' ? settled(given, given) : settled([...emails, ...given], given)
    return
  }
  const change = target.part ? { [target.part.name]: plainValue(target.part, value) } : emailOf(value, target.attribute)
  const meant = emails.filter((email) => isMeant(email, target))
  if (meant.length === 0) {
    const fresh = { ...describedBy(target), ...change }
    draft['emails'] = settled([...emails, fresh], [fresh])
    return
  }
  for (const email of meant) Object.assign(email, change)
  draft['emails'] = settled(emails, change['primary'] === true ? meant.slice(0, 1) : [])
}

/** All, those a filter or the value means, or a part of each. */
export function removeEmails(draft: Draft, target: Target, value: unknown): void {
  const { part } = target
  const named = value === undefined || value === null || value === '' ? undefined : listOf(value, target.attribute)
  const isNamed = (email: Email) => named?.some((one) => fold(one['value']) === fold(email['value'])) ?? true
  const isOut = (email: Email) => isMeant(email, target) && isNamed(email)
  const emails = emailsOf(draft)
  if (!part || part.name === 'value') {
    draft['emails'] = emails.filter((email) => !isOut(email))
    return
  }
  for (const email of emails.filter(isOut)) delete email[part.name]
  draft['emails'] = emails
}

/** Entra sets the address of a type that is not there yet; what the filter says of it, it then is. */
function describedBy({ filter, attribute }: Target): Email {
  if (!filter) return {}
  const said = Object.entries(descriptionIn(filter) ?? {}).map(([key, value]) => {
    const sub = named(attribute.subAttributes ?? [], key)
    return sub && ([sub.name, plainValue(sub, value)] as const)
  })
  if (said.length > 0 && said.every((one) => one !== undefined)) return Object.fromEntries(said)
  throw new ScimRefusal('noTarget', 'the path selects no e-mail address')
}

/** Without an address an e-mail is nothing; of two with one address and type the later counts; only one is primary, the newest. */
function settled(emails: readonly Email[], fresh: readonly Email[]): Email[] {
  const keyed = new Map(
    emails.filter((email) => email['value']).map((email) => [`${fold(email['value'])} ${fold(email['type'])}`, email]),
  )
  const primary = fresh.find((email) => email['primary'] === true)
  return [...keyed.values()].map((email) => {
    const isOther = primary !== undefined && email['primary'] === true && email !== primary
    return isOther ? { ...email, primary: false } : email
  })
}

function isMeant(email: Email, { filter }: Target): boolean {
  return !filter || matches(filter, email satisfies Values)
}

function emailsOf(draft: Draft): Email[] {
  return ((draft['emails'] as Email[] | undefined) ?? []).map((email) => ({ ...email }))
}

function listOf(value: unknown, attribute: Attribute): Email[] {
  return [value].flat().map((one) => emailOf(one, attribute))
}

function emailOf(value: unknown, attribute: Attribute): Email {
  if (typeof value === 'string') return { value }
  const email: Email = {}
  for (const [key, inner] of partsOf(value)) {
    const sub = named(attribute.subAttributes ?? [], key)
    if (sub && inner !== null && inner !== '') email[sub.name] = plainValue(sub, inner)
  }
  return email
}

function fold(value: string | boolean | undefined): string {
  return String(value ?? '').toLowerCase()
}
