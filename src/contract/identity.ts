import { z } from 'zod'
import { emailAddress } from './email.ts'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { name } from './text.ts'
import { durationSeconds, instant } from './time.ts'

/** What a person may do in the broker itself, apart from what access flows say. */
export const ROLES = ['admin', 'owner', 'approver', 'auditor', 'member'] as const
export const role = z.enum(ROLES)
export type Role = z.infer<typeof role>

/** What a token may be used for; never more than its person may do. */
export const SCOPES = ['read', 'request', 'approve', 'manage', 'audit'] as const
export const scope = z.enum(SCOPES)
export type Scope = z.infer<typeof scope>

/** What a token gives that somebody else made for its person. */
export const DELEGATED_SCOPES = ['read', 'request', 'audit'] as const satisfies readonly Scope[]

const roles = z
  .array(role)
  .max(ROLES.length)
  .transform((given) => ROLES.filter((one) => given.includes(one)))
export const userState = z.enum(['active', 'disabled'])

/** Who says who somebody is: an admin here, the identity provider when they sign in, or through SCIM. */
export const personSource = z.enum(['local', 'sign_in', 'scim'])

export const user = z
  .strictObject({
    id: id('usr'),
    name: z.string(),
    userName: z.string().nullable().describe('their user name at sign-in; several people may have the same name'),
    email: z.string().nullable().describe('verified by the provider, or set by an admin'),
    source: personSource,
    roles: z.array(role),
    state: userState,
    createdAt: instant,
  })
  .meta({ id: 'User' })
export type UserView = z.infer<typeof user>

export const changedUser = z
  .strictObject({
    ...user.shape,
    alsoLeftWithoutTokens: z
      .array(z.strictObject({ id: id('usr'), name: z.string() }))
      .describe(
        'other people who lost tokens, because this person made the tokens or may have copies; they were told, and need a new enrolment code',
      ),
  })
  .meta({ id: 'ChangedUser' })
export type ChangedUser = z.infer<typeof changedUser>

/** What the identity provider says of somebody, and how old it is. */
export const identity = z.strictObject({
  issuer: z.string(),
  subject: z.string(),
  userName: z.string().nullable(),
  confirmedAt: instant,
  signedInAt: instant.nullable().describe('last sign-in with a browser'),
  groupsToldAt: instant.nullable().describe('when the provider last said which groups the person is in'),
  groupsUntold: z
    .strictObject({ why: z.string(), at: instant })
    .nullable()
    .describe('since then the provider was asked, but did not say'),
  groupsRefused: z
    .array(z.strictObject({ name: z.string(), why: z.string() }))
    .describe('groups of the provider that were left out'),
})
export type IdentityView = z.infer<typeof identity>

export const userDetails = z
  .strictObject({
    ...user.shape,
    attributes: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
    manager: z.strictObject({ id: id('usr'), name: z.string(), userName: z.string().nullable() }).nullable(),
    groups: z.array(z.strictObject({ id: id('grp'), name: z.string(), source: personSource, confirmedAt: instant.nullable() })),
    facts: z
      .array(
        z.strictObject({
          fact: z.string(),
          source: z.enum(['id_token', 'userinfo', 'access_token', 'scim', 'local']),
          at: instant,
        }),
      )
      .describe('where each of them was said, and when last'),
    identities: z.array(identity),
  })
  .meta({ id: 'UserDetails' })
export type UserDetails = z.infer<typeof userDetails>

export const userPage = page(user).meta({ id: 'UserPage' })

export const newUser = z
  .strictObject({ name: name(), email: emailAddress.nullish(), roles: roles.default(['member']) })
  .meta({ id: 'NewUser' })
export type NewUser = z.infer<typeof newUser>

export const userChange = z
  .strictObject({
    name: name().optional(),
    email: emailAddress.nullable().optional(),
    roles: roles.optional(),
    state: userState.optional(),
  })
  .refine((change) => Object.keys(change).length > 0, { error: 'the change is empty: give name, email, roles or state' })
  .meta({ id: 'UserChange' })
export type UserChange = z.infer<typeof userChange>

export const userQuery = z.strictObject({ ...pageQuery, state: userState.optional() })
export type UserQuery = z.infer<typeof userQuery>

export const group = z
  .strictObject({
    id: id('grp'),
    name: z.string(),
    source: personSource,
    issuer: z.string().nullable().describe('issuer whose sign-ins made it; null otherwise'),
    createdAt: instant,
  })
  .meta({ id: 'Group' })
export type GroupView = z.infer<typeof group>
export const groupPage = page(group).meta({ id: 'GroupPage' })

export const groupWithMembers = z
  .strictObject({
    ...group.shape,
    members: z.array(z.strictObject({ id: id('usr'), name: z.string(), state: userState })),
  })
  .meta({ id: 'GroupWithMembers' })
export type GroupWithMembers = z.infer<typeof groupWithMembers>

export const newGroup = z.strictObject({ name: name() }).meta({ id: 'NewGroup' })
export type NewGroup = z.infer<typeof newGroup>

export const groupQuery = z.strictObject(pageQuery)
export type GroupQuery = z.infer<typeof groupQuery>

export const token = z
  .strictObject({
    id: id('tok'),
    userId: id('usr'),
    name: z.string(),
    scopes: z.array(scope),
    createdBy: z.string().nullable().describe('who made it: usr_…, or broker for the one of bootstrap'),
    parentId: id('tok').nullable().describe('the token it was made with, and ends with'),
    delegated: z
      .boolean()
      .describe('true: another person made it for its owner; it can read and ask, but not decide, manage or open'),
    createdAt: instant,
    expiresAt: instant,
    revokedAt: instant.nullable(),
    lastUsedAt: instant.nullable().describe('to the minute'),
  })
  .meta({ id: 'Token' })
export type TokenView = z.infer<typeof token>
export const tokenPage = page(token).meta({ id: 'TokenPage' })

const scopes = z
  .array(scope)
  .min(1)
  .max(SCOPES.length)
  .transform((given) => SCOPES.filter((one) => given.includes(one)))

export const newToken = z
  .strictObject({
    name: name(),
    scopes,
    expiresInSeconds: durationSeconds.describe(
      'it ends with the token it is made with at the latest, or after 90 days if you make it signed in',
    ),
    userId: id('usr').optional().describe('an admin may make a token to read and ask with for somebody who cannot sign in'),
  })
  .meta({ id: 'NewToken' })
export type NewToken = z.infer<typeof newToken>

export const mintedToken = z
  .strictObject({ ...token.shape, token: z.string().describe('shown only now') })
  .meta({ id: 'MintedToken' })
export type MintedToken = z.infer<typeof mintedToken>

export const tokenQuery = z.strictObject({ ...pageQuery, userId: id('usr').optional() })
export type TokenQuery = z.infer<typeof tokenQuery>

export const me = z
  .strictObject({
    ...user.shape,
    groups: z.array(z.strictObject({ id: id('grp'), name: z.string() })),
    provider: identity.nullable().describe('what the identity provider said last; null for people who do not sign in there'),
    scopes: z.array(scope),
    tokenId: id('tok').nullable(),
  })
  .meta({ id: 'Me' })
export type Me = z.infer<typeof me>

export const session = z
  .strictObject({ id: id('ses'), userId: id('usr'), begunAt: instant, expiresAt: instant.describe('unless it is used before') })
  .meta({ id: 'Session' })
export type SessionView = z.infer<typeof session>
export const sessionPage = page(session).meta({ id: 'SessionPage' })

export const sessionQuery = z.strictObject({ ...pageQuery, userId: id('usr').optional() })
export type SessionQuery = z.infer<typeof sessionQuery>

export const roleGroups = z
  .strictObject({
    items: z.array(z.strictObject({ role, group: z.strictObject({ id: id('grp'), name: z.string() }) })),
  })
  .meta({ id: 'RoleGroups' })
export type RoleGroups = z.infer<typeof roleGroups>

export const signInQuery = z.strictObject({
  return: z.string().max(2000).optional().describe('a path of this broker to go on to'),
})
export type SignInQuery = z.infer<typeof signInQuery>

/** How the command line signs somebody in; null where it cannot. */
export const signInOptions = z
  .strictObject({
    issuer: z.string(),
    cliClientId: z.string().nullable(),
    audience: z.string().nullable(),
    scopes: z.string(),
    resource: z.string().nullable().describe('to be sent with every call to the token endpoint'),
  })
  .meta({ id: 'SignInOptions' })
export type SignInOptions = z.infer<typeof signInOptions>

export const signedOut = z
  .strictObject({ url: z.string().nullable().describe('where to sign out at the provider as well') })
  .meta({ id: 'SignedOut' })
export type SignedOut = z.infer<typeof signedOut>

export const logoutForm = z.looseObject({ logout_token: z.string().min(1) })
export type LogoutForm = z.infer<typeof logoutForm>
