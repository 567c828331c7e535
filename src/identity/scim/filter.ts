import { ScimRefusal } from '../../platform/http/scim-error.ts'

export const OPERATORS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const
export type Operator = (typeof OPERATORS)[number]
export type Value = string | number | boolean | null

/** A filter (RFC 7644, section 3.4.2.2). Paths are as they were written; their reader says what they mean. */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Filter[] }
  | { readonly kind: 'not'; readonly part: Filter }
  | { readonly kind: 'present'; readonly path: string }
  | { readonly kind: 'compare'; readonly path: string; readonly operator: Operator; readonly value: Value }
  /** of the values of an attribute, one matches */
  | { readonly kind: 'any'; readonly path: string; readonly part: Filter }

const LONGEST = 2000
const DEEPEST = 10
const TOKEN = /\s*(?:([()[\]])|("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?)(?![\w.])|(\.?[A-Za-z$][\w$:.-]*))/y

/** Throws `invalidFilter` for what is none, is too long or nested too deep. */
export function parseFilter(text: string): Filter {
  if (text.length > LONGEST) throw invalid(`it has more than ${LONGEST} characters`)
  const reader = new Reader(tokensOf(text))
  const filter = reader.or(0)
  reader.expectEnd()
  return filter
}

export function invalid(why: string): ScimRefusal {
  return new ScimRefusal('invalidFilter', `the filter cannot be read: ${why}`)
}

type Token =
  | { readonly kind: 'mark' | 'word'; readonly text: string }
  | { readonly kind: 'value'; readonly text: string; readonly value: Value }

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  const end = text.trimEnd().length
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < end) {
    const start = TOKEN.lastIndex
    const found = TOKEN.exec(text)
    if (!found) throw invalid(`nothing in a filter begins with character ${start + text.slice(start).search(/\S/) + 1}`)
    const [, mark, quoted, number, word] = found
    if (mark) tokens.push({ kind: 'mark', text: mark })
    else if (quoted) tokens.push({ kind: 'value', text: quoted, value: unquote(quoted) })
    else if (number) tokens.push({ kind: 'value', text: number, value: Number(number) })
    else tokens.push({ kind: 'word', text: word! })
  }
  return tokens
}

function unquote(quoted: string): string {
  try {
    const value: unknown = JSON.parse(quoted)
    if (typeof value === 'string' && value.isWellFormed() && !value.includes('\u0000')) return value
  } catch {
    // said below, for both reasons
  }
  throw invalid('a value in quotes is not well written')
}

const LITERALS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['true', true],
  ['false', false],
  ['null', null],
])

class Reader {
  private at = 0

  constructor(private readonly tokens: readonly Token[]) {}

  or(depth: number): Filter {
    if (depth > DEEPEST) throw invalid(`it is nested more than ${DEEPEST} deep`)
    const parts = [this.and(depth)]
    while (this.takes('or')) parts.push(this.and(depth))
    return parts.length === 1 ? parts[0]! : { kind: 'or', parts }
  }

  expectEnd(): void {
    const token = this.tokens[this.at]
    if (token) throw invalid(`${token.text.slice(0, 40)} is not expected where it stands`)
  }

  private and(depth: number): Filter {
    const parts = [this.one(depth)]
    while (this.takes('and')) parts.push(this.one(depth))
    return parts.length === 1 ? parts[0]! : { kind: 'and', parts }
  }

  private one(depth: number): Filter {
    if (this.takes('(')) return this.closed(depth, ')')
    const path = this.word()
    if (path.toLowerCase() === 'not' && this.takes('(')) return { kind: 'not', part: this.closed(depth, ')') }
    if (!this.takes('[')) return this.claim(path)
    const part = this.closed(depth, ']')
    const next = this.tokens[this.at]
    // Not in the standard, and sent: emails[type eq "work"].value eq "…"
    if (next?.kind !== 'word' || !next.text.startsWith('.')) return { kind: 'any', path, part }
    return { kind: 'any', path, part: { kind: 'and', parts: [part, this.claim(this.word().slice(1))] } }
  }

  private closed(depth: number, mark: string): Filter {
    const inner = this.or(depth + 1)
    if (!this.takes(mark)) throw invalid(`a ${mark} is missing`)
    return inner
  }

  private claim(path: string): Filter {
    const operator = this.word().toLowerCase()
    if (operator === 'pr') return { kind: 'present', path }
    const known = OPERATORS.find((one) => one === operator)
    if (!known) throw invalid(`${operator.slice(0, 40)} is not an operator`)
    return { kind: 'compare', path, operator: known, value: this.value() }
  }

  private value(): Value {
    const token = this.tokens[this.at++]
    if (token?.kind === 'value') return token.value
    const literal = token && LITERALS.get(token.text.toLowerCase())
    if (literal === undefined) throw invalid('a value is missing; put text in quotes')
    return literal
  }

  private word(): string {
    const token = this.tokens[this.at++]
    if (token?.kind !== 'word')
      throw invalid(token ? `${token.text.slice(0, 40)} is not expected where it stands` : 'it ends too early')
    return token.text
  }

  private takes(text: string): boolean {
    const token = this.tokens[this.at]
    const isIt = token !== undefined && token.kind !== 'value' && token.text.toLowerCase() === text
    if (isIt) this.at += 1
    return isIt
  }
}
