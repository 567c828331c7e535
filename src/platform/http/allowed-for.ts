import { SetMetadata } from '@nestjs/common'
import type { AllowedFor } from '../../contract/endpoints/endpoint.ts'

export type Declaration = AllowedFor | 'public' | 'scim'

const KEY = 'latchkey:access'

/** On a method or a controller; the method's counts. An endpoint that has neither this nor `@Public()` or `@ScimAccess()` stops the start. */
export const Access = (rule: AllowedFor) => SetMetadata<string, Declaration>(KEY, rule)

/** Anybody may call it, without a credential. */
export const Public = () => SetMetadata<string, Declaration>(KEY, 'public')

/** For the identity provider's own token and no other; no person's will do. */
export const ScimAccess = () => SetMetadata<string, Declaration>(KEY, 'scim')

export function declarationOf(handler: object, controller: object): Declaration | undefined {
  return Reflect.getMetadata(KEY, handler) ?? Reflect.getMetadata(KEY, controller)
}
