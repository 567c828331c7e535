import { refusalOf } from '../../../data/api.ts'

/** What the broker has against single fields, by their path. */
export interface Flaws {
  /** of a field and everything in it */
  readonly within: (path: string) => string | undefined
  /** of a field alone */
  readonly at: (path: string) => string | undefined
  /** of what the form does not show */
  readonly elsewhere: string | undefined
}

const SHOWN = [
  /^(name|integrationId)$/,
  /^rule\.(requesters|permissions|maxSeconds|justification|approval|delivery)(\.|$)/,
  /^rule\.resources(\.\d+(\.(types|paths|tags)(\..+)?)?)?$/,
]

export function flawsOf(error: unknown): Flaws {
  const flaws = error === undefined ? [] : refusalOf(error).flaws
  const told = (which: (field: string) => boolean) =>
    flaws
      .filter(({ field }) => which(field))
      .map(({ message }) => message)
      .join(' ') || undefined
  return {
    within: (path) => told((field) => field === path || field.startsWith(`${path}.`)),
    at: (path) => told((field) => field === path),
    elsewhere:
      flaws
        .filter(({ field }) => field.startsWith('rule') && !SHOWN.some((shown) => shown.test(field)))
        .map(({ field, message }) => `${field.replace(/^rule\./, '')}: ${message}`)
        .join(' ') || undefined,
  }
}
