import { z } from 'zod'
import { BODY, type Id, type IdPrefix } from '../../contract/id.ts'
import type { Json } from '../../sdk/index.ts'

/** Why somebody is told by e-mail. In this order: who has several reasons is told once, for the first. */
export const PARTS = ['decide', 'accept', 'own', 'review', 'alert', 'holder', 'self', 'proposer', 'admin', 'notice'] as const
export type Part = (typeof PARTS)[number]

/** What an event's subject is the id of, and how such ids begin. */
export const SUBJECTS = {
  'a bundle': ['bnd'],
  'a notification': ['ntf'],
  'a certificate': ['crt'],
  'a certificate source': ['cso'],
  'a target credential': ['crd'],
  'a distribution': ['dst'],
  'a grant': ['grt'],
  'a group': ['grp'],
  'a person': ['usr'],
  'a proposal': ['prp'],
  'a request': ['req'],
  'a rotation': ['rot'],
  'a run': ['run'],
  'a SCIM token': ['sct'],
  'a session': ['ses'],
  'a token': ['tok'],
  'a target': ['tgt'],
  'a webhook': ['whk'],
  'an enrolment code': ['enr'],
  'an integration': ['int'],
  'an access flow': ['flw'],
  'a person or group': ['usr', 'grp'],
  /** where nobody knows who it was, it is the word `sign_in` */
  somebody: ['usr'],
} as const satisfies Readonly<Record<string, readonly IdPrefix[]>>
export type Subject = keyof typeof SUBJECTS

type SubjectId<S extends Subject> = S extends 'somebody' ? Id<'usr'> | 'sign_in' : Id<(typeof SUBJECTS)[S][number]>

export interface Kind<S extends Subject = Subject, Data extends z.ZodRawShape = z.ZodRawShape> {
  readonly subject: S
  readonly meaning: string
  /** what a reader of the trail needs; never a secret */
  readonly data: z.ZodObject<Data, z.core.$strict>
  readonly tells: readonly Part[]
  /** for the compiler alone */
  readonly subjectId?: SubjectId<S>
}

type Row = readonly [meaning: string, data: z.ZodRawShape, ...Part[]]

/** The kinds of one subject: what each means, what its data are, and who is told. */
export function of<S extends Subject, const Rows extends Readonly<Record<string, Row>>>(
  subject: S,
  kinds: Rows,
): { readonly [Name in keyof Rows]: Kind<S, Rows[Name][1]> } {
  const entries = Object.entries<Row>(kinds)
  return Object.fromEntries(
    entries.map(([name, [meaning, data, ...tells]]) => [name, { subject, meaning, data: z.strictObject(data), tells }]),
  ) as unknown as { readonly [Name in keyof Rows]: Kind<S, Rows[Name][1]> }
}

export const text = z.string()
export const flag = z.boolean()
export const number = z.int()
export const moment = z.iso.datetime()
/** Whatever the journal or a plugin keeps: what JSON can say. */
export const json = z.custom<Json>((value) => value !== undefined)
export const texts = z.array(text).readonly()

/** The id of something else, as the database has it. */
export function ref(...prefixes: readonly IdPrefix[]) {
  return z.string().regex(new RegExp(`^(${prefixes.join('|')})_${BODY}$`))
}

/** What may be told of an error. */
export const problem = { code: text, message: text, fix: text.optional() }
