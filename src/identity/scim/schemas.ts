/** What SCIM calls things (RFC 7643), as far as we keep them. The same table is served at /Schemas and decides what a path means. */
export interface Attribute {
  readonly name: string
  readonly type: 'string' | 'boolean' | 'dateTime' | 'reference' | 'complex'
  readonly description: string
  readonly multiValued: boolean
  readonly required: boolean
  readonly caseExact: boolean
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable'
  readonly returned: 'always' | 'default'
  readonly uniqueness: 'none' | 'server'
  /** the values there are */
  readonly canonicalValues?: readonly string[]
  /** of a reference: what it leads to */
  readonly referenceTypes?: readonly string[]
  readonly subAttributes?: readonly Attribute[]
}

export interface Schema {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly attributes: readonly Attribute[]
}

export const URN = {
  user: 'urn:ietf:params:scim:schemas:core:2.0:User',
  enterprise: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  group: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  list: 'urn:ietf:params:scim:api:messages:2.0:ListResponse',
  patch: 'urn:ietf:params:scim:api:messages:2.0:PatchOp',
  search: 'urn:ietf:params:scim:api:messages:2.0:SearchRequest',
} as const

/** Of resources of every kind; no schema lists them. */
export const COMMON: readonly Attribute[] = [
  attribute('schemas', 'what the resource is made of', { multiValued: true, mutability: 'readOnly', returned: 'always' }),
  attribute('id', 'our id', { caseExact: true, mutability: 'readOnly', returned: 'always' }),
  attribute('externalId', 'what the client calls it', { caseExact: true, uniqueness: 'server' }),
  complex('meta', 'when it was made and changed', { mutability: 'readOnly' }, [
    attribute('resourceType', 'User or Group', { caseExact: true, mutability: 'readOnly' }),
    attribute('created', 'when it was made', { type: 'dateTime', mutability: 'readOnly' }),
    attribute('lastModified', 'when it was changed last', { type: 'dateTime', mutability: 'readOnly' }),
    attribute('location', 'its address', { type: 'reference', referenceTypes: ['uri'], caseExact: true, mutability: 'readOnly' }),
  ]),
]

export const USER: Schema = {
  id: URN.user,
  name: 'User',
  description: 'A person',
  attributes: [
    attribute('userName', 'unique among people, in any case', { required: true, uniqueness: 'server' }),
    complex('name', 'the parts of the name', {}, [
      attribute('formatted', 'the whole name'),
      attribute('familyName', 'the last name'),
      attribute('givenName', 'the first name'),
      attribute('middleName', 'the middle name'),
    ]),
    attribute('displayName', 'the name that others see'),
    attribute('title', 'the position'),
    attribute('userType', 'employee, contractor and the like'),
    attribute('active', 'whether the person may do anything; true at first', { type: 'boolean', required: true }),
    complex('emails', 'addresses; the primary one, or the first, is written to', { multiValued: true }, [
      attribute('value', 'the address'),
      attribute('type', 'work, home and the like'),
      attribute('primary', 'whether this one is written to', { type: 'boolean' }),
      attribute('display', 'how the address is shown'),
    ]),
    complex('groups', 'the groups the person is in', { multiValued: true, mutability: 'readOnly' }, [
      attribute('value', 'the group’s id', { caseExact: true, mutability: 'readOnly' }),
      leadsTo('Group', { mutability: 'readOnly' }),
      attribute('display', 'the group’s name', { mutability: 'readOnly' }),
    ]),
  ],
}

export const ENTERPRISE: Schema = {
  id: URN.enterprise,
  name: 'EnterpriseUser',
  description: 'A person in a company',
  attributes: [
    attribute('employeeNumber', 'the number in the company'),
    attribute('costCenter', 'the cost center'),
    attribute('organization', 'the organization'),
    attribute('division', 'the division'),
    attribute('department', 'the department'),
    complex('manager', 'who the person reports to', {}, [
      attribute('value', 'the manager’s id here, or their externalId', { caseExact: true }),
      leadsTo('User', { mutability: 'readOnly' }),
      attribute('displayName', 'the manager’s name', { mutability: 'readOnly' }),
    ]),
  ],
}

export const GROUP: Schema = {
  id: URN.group,
  name: 'Group',
  description: 'A group of people',
  attributes: [
    attribute('displayName', 'unique among groups, in any case', { required: true, uniqueness: 'server' }),
    complex('members', 'the people in it; groups in groups are not taken', { multiValued: true }, [
      attribute('value', 'the person’s id here', { caseExact: true, mutability: 'immutable' }),
      leadsTo('User', { mutability: 'immutable' }),
      attribute('display', 'the person’s name', { mutability: 'readOnly' }),
      attribute('type', 'always User', { canonicalValues: ['User'], mutability: 'immutable' }),
    ]),
  ],
}

/** Attributes of the standard that many clients send and nobody here needs. They are accepted and dropped. */
export const DROPPED: ReadonlySet<string> = new Set(
  `honorificPrefix honorificSuffix nickName profileUrl preferredLanguage locale timezone password phoneNumbers ims photos addresses
   entitlements roles x509Certificates`
    .toLowerCase()
    .split(/\s+/),
)

function attribute(name: string, description: string, rest: Partial<Attribute> = {}): Attribute {
  return {
    name,
    type: 'string',
    description,
    multiValued: false,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...rest,
  }
}

function leadsTo(kind: 'User' | 'Group', rest: Partial<Attribute>): Attribute {
  return attribute('$ref', 'its address', { type: 'reference', referenceTypes: [kind], caseExact: true, ...rest })
}

function complex(name: string, description: string, rest: Partial<Attribute>, subAttributes: readonly Attribute[]): Attribute {
  return attribute(name, description, { type: 'complex', subAttributes, ...rest })
}
