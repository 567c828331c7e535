import type { ResourceOffers } from '../../../../src/contract/offers.ts'

/** What is typed into the form. */
export interface Asking {
  readonly permissions: readonly string[]
  /** null: as long as is usual */
  readonly seconds: number | null
  readonly justification: string
  readonly fields: Readonly<Record<string, string | number | boolean>>
  readonly emergency: boolean
}

type Offer = ResourceOffers['offers'][number]

const USUAL_SECONDS = 3_600
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

/** The offers that fit what was chosen so far; all of the kind where none fits. */
export function fitting({ offers }: ResourceOffers, { permissions, emergency }: Asking): readonly Offer[] {
  const ofKind = offers.filter((offer) => offer.emergency === emergency)
  const fit = ofKind.filter((offer) => permissions.every((permission) => offer.permissions.includes(permission)))
  return fit.length > 0 ? fit : ofKind
}

/** Sensible times up to what is allowed, and that itself. */
export function presetsFor(offers: readonly Offer[]): readonly number[] {
  const longest = Math.max(...offers.map(({ maxSeconds }) => maxSeconds))
  return [...PRESETS.filter((preset) => preset < longest), longest]
}

export function secondsOf({ seconds }: Asking, presets: readonly number[]): number {
  const longest = presets.at(-1) ?? USUAL_SECONDS
  return Math.min(seconds ?? USUAL_SECONDS, longest)
}
