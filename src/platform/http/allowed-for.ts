import { SetMetadata } from '@nestjs/common'
import type { Role, Scope } from '../../contract/identity.ts'

/** Who may call an endpoint: a token with this scope, of a person with one of these roles. Without roles, anybody's. */
export interface AccessRule {
  readonly scope: Scope
  readonly roles?: readonly Role[]
  /**
   * What the identity provider says of the caller must be a minute old at most: for decisions, and for every change with scope `manage` that
   * does not say `false`. What only takes away says so: it waits for no provider.
   */
  readonly fresh?: boolean
  /** not with a token that somebody else made for the caller */
  readonly own?: boolean
}

export type Declaration = AccessRule | 'public' | 'scim'

const KEY = 'latchkey:access'

/** On a method or a controller; the method's counts. An endpoint that has neither this nor `@Public()` or `@ScimAccess()` stops the start. */
export const Access = (rule: AccessRule) => SetMetadata<string, Declaration>(KEY, rule)

/** Anybody may call it, without a credential. */
export const Public = () => SetMetadata<string, Declaration>(KEY, 'public')

/** For the identity provider's own token and no other; no person's will do. */
export const ScimAccess = () => SetMetadata<string, Declaration>(KEY, 'scim')

export function declarationOf(handler: object, controller: object): Declaration | undefined {
  return Reflect.getMetadata(KEY, handler) ?? Reflect.getMetadata(KEY, controller)
}
