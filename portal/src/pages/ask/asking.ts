import type { ResourceOffers } from '../../../../src/contract/offers.ts'
import type { CustomField } from '../../../../src/contract/rules.ts'
import { USUAL_SECONDS } from '../../../../src/contract/time.ts'

type Answer = string | number | boolean
type Answers = Readonly<Record<string, Answer>>
type Offer = ResourceOffers['offers'][number]

/** What is typed into the form. */
export interface Asking {
  readonly permissions: readonly string[]
  /** null: as long as is usual */
  readonly seconds: number | null
  readonly justification: string
  readonly fields: Answers
  readonly emergency: boolean
}

/** What of it can be asked for, and what the form offers and wants. */
export interface Askable extends Asking {
  readonly seconds: number
  readonly presets: readonly number[]
  readonly needsReason: boolean
  readonly questions: readonly CustomField[]
}

const PRESETS = [900, 1_800, USUAL_SECONDS, 14_400, 28_800, 86_400, 259_200, 604_800]

export function begin({ permissions, offers }: ResourceOffers): Asking {
  const [only, ...others] = permissions
  return {
    permissions: only && others.length === 0 ? [only.id] : [],
    seconds: null,
    justification: '',
    fields: {},
    emergency: offers.every(({ emergency }) => emergency),
  }
}

/**
 * What was typed, as far as the offers still let it be asked for: the draft may be older than they are, and an answer to one flow's question is
 * nothing to another. What cannot be seen on the page is not sent from it.
 */
export function askable({ permissions, offers }: ResourceOffers, typed: Asking): Askable {
  const isOffered = offers.some((offer) => offer.emergency === typed.emergency)
  const emergency = isOffered ? typed.emergency : !typed.emergency
  const chosen = typed.permissions.filter((one) => permissions.some(({ id }) => id === one))
  const fit = fitting(
    offers.filter((offer) => offer.emergency === emergency),
    chosen,
  )
  const presets = presetsFor(fit)
  const seconds = presets.findLast((preset) => preset <= (typed.seconds ?? USUAL_SECONDS)) ?? presets[0]!
  const questions = (fit.find(({ maxSeconds }) => maxSeconds >= seconds) ?? fit[0])?.fields ?? []
  return {
    permissions: chosen,
    seconds,
    justification: typed.justification,
    fields: answersTo(questions, typed.fields),
    emergency,
    presets,
    needsReason: emergency || fit.every(({ justification }) => justification === 'required'),
    questions,
  }
}

export function withAnswer(answers: Answers, key: string, answer: Answer | undefined): Answers {
  const others = Object.entries(answers).filter(([name]) => name !== key)
  return Object.fromEntries(answer === undefined ? others : [...others, [key, answer]])
}

/** The offers that fit what was chosen so far; all where none fits. */
function fitting(offers: readonly Offer[], permissions: readonly string[]): readonly Offer[] {
  const fit = offers.filter((offer) => permissions.every((permission) => offer.permissions.includes(permission)))
  return fit.length > 0 ? fit : offers
}

/** Sensible times up to what is allowed, and that itself. */
function presetsFor(offers: readonly Offer[]): readonly number[] {
  const longest = Math.max(...offers.map(({ maxSeconds }) => maxSeconds))
  return [...PRESETS.filter((preset) => preset < longest), longest]
}

function answersTo(questions: readonly CustomField[], answers: Answers): Answers {
  const isAnswered = (key: string, answer: Answer) => questions.some((field) => field.key === key && canAnswer(field, answer))
  return Object.fromEntries(Object.entries(answers).filter(([key, answer]) => isAnswered(key, answer)))
}

function canAnswer(field: CustomField, answer: Answer): boolean {
  switch (field.type) {
    case 'text':
      return typeof answer === 'string'
    case 'number':
      return typeof answer === 'number'
    case 'yes_or_no':
      return typeof answer === 'boolean'
    case 'choice':
      return field.options.some((option) => option === answer)
  }
}
