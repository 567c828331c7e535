import type { VaultAnswer } from '../../../vault/index.ts'
import { isAbsent, type Send } from '../send.ts'

/** A Vault policy as it stands, with all that OpenBao keeps beside the document. An alias: so it is Json. */
export type PolicyImage = {
  readonly document: string
  /** counted by OpenBao alone */
  readonly version?: number
  readonly expiration?: string
  readonly casRequired?: boolean
  /** switches for identity templates, as the server names them */
  readonly options?: { readonly [name: string]: boolean }
}

export interface PolicyLook {
  readonly answer: VaultAnswer
  readonly found: PolicyImage | undefined
}

export function getImage(name: string) {
  return { method: 'GET', path: ['sys/policies/acl', name], accept: [404], repeatable: true } as const
}

export async function readImage(send: Send, name: string): Promise<PolicyLook> {
  const answer = await send(getImage(name))
  const { policy: document, version, expiration, cas_required, ...rest } = answer.data
  if (isAbsent(answer) || typeof document !== 'string') return { answer, found: undefined }
  const options = Object.entries(rest).filter(
    (option): option is [string, boolean] => option[0].startsWith('allow_') && typeof option[1] === 'boolean',
  )
  const found: PolicyImage = {
    document,
    ...(typeof version === 'number' && { version }),
    ...(typeof expiration === 'string' && { expiration }),
    ...(cas_required === true && { casRequired: true }),
    ...(options.length > 0 && { options: Object.fromEntries(options) }),
  }
  return { answer, found }
}

/**
 * Writes the document and all that stands beside it, over that version and no other; a server without check-and-set for policies takes no
 * notice of the number. Throws `target.conflict` where it does.
 */
export async function writeImage(send: Send, name: string, image: PolicyImage, over: PolicyImage | undefined): Promise<void> {
  const { document, expiration, casRequired, options } = image
  const body = {
    policy: document,
    ...(expiration !== undefined && { expiration }),
    ...(casRequired && { cas_required: true }),
    ...options,
    ...(!over && { cas: -1 }),
    ...(over?.version !== undefined && { cas: over.version }),
  }
  await send({ method: 'POST', path: ['sys/policies/acl', name], body, repeatable: true })
}

/** The same in all that matters, whatever its number. */
export function meansTheSame(one: PolicyImage | undefined, other: PolicyImage | undefined): boolean {
  if (!one || !other) return one === other
  const names = new Set([...Object.keys(one.options ?? {}), ...Object.keys(other.options ?? {})])
  return (
    one.document === other.document &&
    momentOf(one.expiration) === momentOf(other.expiration) &&
    Boolean(one.casRequired) === Boolean(other.casRequired) &&
    [...names].every((name) => Boolean(one.options?.[name]) === Boolean(other.options?.[name]))
  )
}

function momentOf(expiration: string | undefined): number | undefined {
  return expiration === undefined ? undefined : Date.parse(expiration)
}
