import { BrokerError, ERRORS, type ErrorDetails } from '../../sdk/index.ts'

/** Where SCIM is served; what goes wrong below is told in SCIM's own words. */
export const SCIM_PATH = '/scim/v2'

export type ScimType = 'invalidFilter' | 'invalidPath' | 'invalidValue' | 'mutability' | 'noTarget' | 'tooMany' | 'uniqueness'

/** A refusal with one of SCIM's keywords (RFC 7644, section 3.12). */
export class ScimRefusal extends BrokerError {
  readonly scimType: ScimType

  constructor(scimType: ScimType, message: string, details: ErrorDetails = {}) {
    super(scimType === 'uniqueness' ? 'name.taken' : 'input.invalid', message, details)
    this.scimType = scimType
  }
}

/** The answer's body. `input.invalid` without a keyword of its own is `invalidValue`. */
export function scimErrorOf(error: BrokerError): Record<string, unknown> {
  const { status } = ERRORS[error.code]
  const keyword = error instanceof ScimRefusal ? error.scimType : status === 400 ? 'invalidValue' : undefined
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    ...(keyword && { scimType: keyword }),
    detail: error.fix === undefined ? error.message : `${error.message}: ${error.fix}`,
  }
}
