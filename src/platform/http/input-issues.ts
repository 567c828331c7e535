import type { z } from 'zod'

export interface Issue {
  /** a path into the input: `resources.0.path` */
  readonly field: string
  /** goes on where the field's name ends: `is missing` */
  readonly message: string
}

type RawIssue = z.core.$ZodRawIssue
type FinalIssue = z.core.$ZodIssue

const MOST_ISSUES = 20
const UNKNOWN_FIELDS = 'has unknown fields'

/** zod's findings as field and message. A schema's own words win over `wordsFor`. */
export function issuesOf(error: z.ZodError, prefix: readonly PropertyKey[] = []): Issue[] {
  return error.issues.flatMap((issue) => flatten(issue, prefix)).slice(0, MOST_ISSUES)
}

function flatten(issue: FinalIssue, prefix: readonly PropertyKey[]): Issue[] {
  const path = [...prefix, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    const message = issue.message.startsWith(UNKNOWN_FIELDS) ? 'is not a known field' : issue.message
    return issue.keys.map((key) => ({ field: dotted([...path, key]), message }))
  }
  // Of several forms that were tried, the one that nearly fitted says most.
  const branches = issue.code === 'invalid_union' ? issue.errors.filter((branch) => branch.length > 0) : []
  const nearest = branches.sort((a, b) => depthOf(b) - depthOf(a) || a.length - b.length)[0]
  if (nearest && depthOf(nearest) > 0) return nearest.flatMap((inner) => flatten(inner, path))
  return [{ field: dotted(path), message: issue.message }]
}

function depthOf(issues: readonly FinalIssue[]): number {
  return Math.max(...issues.map((issue) => issue.path.length))
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join('.')
}

/** zod's finding in the broker's words, without the value: it may be a secret. */
export function wordsFor(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing'
      if (Array.isArray(issue.input)) return `must be ${typeInWords(issue.expected)}, not a list`
      return `must be ${typeInWords(issue.expected)}`
    case 'invalid_value':
      if (issue.input === undefined) return 'is missing'
      return issue.values.length === 1
        ? `must be ${String(issue.values[0])}`
        : `must be one of ${issue.values.map(String).join(', ')}`
    case 'too_small':
      return sizeInWords('least', issue.origin, Number(issue.minimum))
    case 'too_big':
      return sizeInWords('most', issue.origin, Number(issue.maximum))
    case 'invalid_format':
      return FORMATS[issue.format] ?? 'does not have the required form'
    case 'unrecognized_keys':
      return `${UNKNOWN_FIELDS}: ${issue.keys.join(', ')}`
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'invalid_union':
      return issue.input === undefined ? 'is missing' : acceptedForms(issue)
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return issue.message ?? 'cannot be accepted'
  }
}

/** What each form begins with, as far as that can be said. */
function acceptedForms(issue: Extract<RawIssue, { code: 'invalid_union' }>): string {
  if ('options' in issue && Array.isArray(issue.options))
    return `must be one of ${issue.options
      .filter((each) => each !== undefined)
      .map(String)
      .join(', ')}`
  const forms = (issue.errors ?? []).map((branch) => {
    const whole = branch.find(({ path }) => path.length === 0)
    if (whole?.code === 'invalid_value') return whole.values.map(String).join(', ')
    return whole?.code === 'invalid_type' ? typeInWords(whole.expected) : undefined
  })
  const known = [...new Set(forms.filter((form) => form !== undefined))]
  return known.length > 0 && known.length === new Set(forms).size
    ? `must be ${known.join(', or ')}`
    : 'has none of the accepted forms'
}

const FORMATS: Partial<Record<string, string>> = {
  email: 'is not an email address',
  url: 'is not a URL',
  datetime: 'is not a moment in the form 2030-01-31T12:00:00Z',
  date: 'is not a date in the form 2030-01-31',
}

function typeInWords(type: string): string {
  const words: Partial<Record<string, string>> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'an object',
    record: 'an object',
    null: 'null',
    never: 'left out',
  }
  return words[type] ?? `a ${type}`
}

function sizeInWords(bound: 'least' | 'most', origin: string, size: number): string {
  if (origin === 'string')
    return size === 1 && bound === 'least' ? 'must not be empty' : `must have at ${bound} ${size} characters`
  if (origin === 'array' || origin === 'set') {
    return size === 1 && bound === 'least' ? 'must not be empty' : `must have at ${bound} ${size} items`
  }
  return `must be at ${bound} ${size}`
}
