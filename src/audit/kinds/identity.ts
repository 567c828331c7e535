import { z } from 'zod'
import { role, personSource as source, userState as state } from '../../contract/identity.ts'
import { flag, moment, number, of, ref, text, texts } from './kind.ts'

const person = { userId: ref('usr') }
const provided = { userName: text, externalId: text.optional() }
const described = { name: text, email: text.nullable(), attributes: z.record(text, text) }
const signIn = { issuer: text, subject: text }
const refused = {
  road: text,
  reason: text,
  call: text.optional(),
  count: number.optional(),
  sources: texts.optional(),
}

/** Who somebody is, and what they come with. */
export const IDENTITY_KINDS = {
  ...of('a person', {
    'user.created': [
      'a person was made: by hand, by a first sign-in or by SCIM',
      {
        name: text,
        email: text.nullable().optional(),
        roles: z.array(role).readonly().optional(),
        source: source.optional(),
        attributes: z.record(text, text).optional(),
        userName: text.optional(),
        externalId: text.optional(),
        active: flag.optional(),
      },
    ],
    'user.changed': [
      'name, address, roles or state were changed',
      {
        changed: texts.optional(),
        name: text.optional(),
        email: text.nullable().optional(),
        roles: z.array(role).readonly().optional(),
        state: state.optional(),
        attributes: z.record(text, text).optional(),
        userName: text.optional(),
        externalId: text.optional(),
        reason: text.optional(),
      },
    ],
    'user.described': ['the provider said something new of them', { changed: texts, occasion: text }],
    'user.removed': ['SCIM removed them', provided],
    'person.roles_lost': [
      'they lost system roles, by whatever road; the data say which',
      { roles: z.array(role).readonly() },
      'self',
    ],
    'person.adopted': [
      'a person who had signed in before belongs to SCIM from now on',
      { ...described, ...provided, before: source, active: flag },
    ],
    'person.merged': ['two records of one person became one', { from: ref('usr'), state: state.optional() }],
    'person.not_linked': [
      'two records may be one person, with what to do',
      { reason: text, other: text.nullable(), fix: text },
      'admin',
    ],
    'identity.linked': ['a sign-in was linked to a person that SCIM brought', signIn],
    'identity.forgotten': ['a sign-in no longer leads to the person SCIM removed', signIn],
    'identity.refused': ['the identity provider no longer confirms them', { ...signIn, reason: text }],
    'group.names_refused': [
      'groups of a sign-in were left out, with their names',
      { count: number, refused: z.array(z.strictObject({ name: text, why: text })).readonly() },
    ],
    'group.not_told': ['the provider did not say which groups they are in', { why: text, occasion: text }],
  }),
  ...of('a group', {
    'group.created': [
      'a group was made',
      { name: text, source: source.optional(), externalId: text.nullable().optional(), issuer: text.optional() },
    ],
    'group.changed': ['SCIM changed its name or externalId', { name: text, externalId: text.nullable().optional() }],
    'group.removed': ['it was removed', { name: text, externalId: text.nullable().optional() }],
    'group.member_added': ['a person was added to it', person],
    'group.member_removed': ['a person was removed from it', person],
    'role_group.added': ['its members have a system role from now on', { role }],
    'role_group.removed': ['its members no longer have that role', { role }],
  }),
  ...of('a token', {
    'token.created': [
      'an API token was made',
      { ...person, name: text, scopes: texts, expiresAt: moment, parentId: ref('tok').optional() },
      'holder',
    ],
    'token.revoked': [
      'it was revoked; or it ended with the token it was made with, or because a person who may have a copy left',
      { ...person, reason: text.optional(), inHandsOf: ref('usr').optional() },
      'holder',
    ],
  }),
  ...of('an enrolment code', {
    'enrolment.created': [
      'a code was made; its person gets a token of their own with it',
      { ...person, expiresAt: moment },
      'holder',
    ],
    'enrolment.redeemed': ['they did', { ...person, madeBy: ref('usr'), tokenId: ref('tok') }, 'holder'],
    'enrolment.withdrawn': ['it no longer works', { ...person, reason: text.optional() }],
  }),
  ...of('a session', {
    'session.begun': ['somebody signed in', person],
    'session.ended': ['they signed out, or their session was ended', { ...person, reason: text }],
  }),
  ...of('somebody', {
    'sign_in.refused': ['a sign-in, token or code was refused; the subject is the person, where that was proved', refused],
    'call.refused': ['a person tried what they may not do; with a count: so many more calls were refused', refused],
  }),
  ...of('a SCIM token', {
    'scim_token.created': ['a token for SCIM was made', { name: text, expiresAt: moment }],
    'scim_token.rotated': ['the next one was made', { name: text, worksUntil: moment }],
    'scim_token.revoked': [
      'it was revoked, or ended with the token it was made with or one it was rotated into or from',
      { name: text, reason: text.optional() },
    ],
    'scim_token.maker_left': [
      'a person who has seen it was disabled or refused; it still works, so an admin must rotate it',
      { ...person, name: text, reason: text, fix: text },
      'admin',
    ],
  }),
  ...of('a person or group', {
    'scim.refused': [
      'SCIM asked for something that was not done, or not all of it',
      { reason: text, message: text.optional(), field: text.optional() },
    ],
  }),
}
