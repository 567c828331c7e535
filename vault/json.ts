const ESCAPE = String.raw`\\(?:u[0-9a-fA-F]{4}|[^u])`
const SHORT_KEY = new RegExp(`"${ESCAPE}"\\s*:`)
const STRING = /"((?:[^"\\]|\\.)*)"(\s*:)?/gs
const ONE_ESCAPE = new RegExp(`^${ESCAPE}$`)

/**
 * As JSON.parse, which in Node 24 takes a key of one escaped character for the key `\` where it met one there before: `{"\"":1}` becomes
 * `{"\\":1}`, and a tag, or the name of a secret, another. Such keys are made longer on the way and shortened again.
 * @throws SyntaxError as JSON.parse does
 */
export function parseJson(text: string): unknown {
  if (!SHORT_KEY.test(text)) return JSON.parse(text)
  const more: string = crypto.randomUUID()
  const longer = text.replace(STRING, (whole: string, inner: string, colon: string | undefined) =>
    colon !== undefined && ONE_ESCAPE.test(inner) ? `"${inner}${more}"${colon}` : whole,
  )
  return shortened(JSON.parse(longer), more)
}

function shortened(value: unknown, more: string): unknown {
  if (Array.isArray(value)) return value.map((each) => shortened(each, more))
  if (typeof value !== 'object' || value === null) return value
  const key = (long: string) => (long.endsWith(more) ? long.slice(0, -more.length) : long)
  return Object.fromEntries(Object.entries(value).map(([long, inner]) => [key(long), shortened(inner, more)]))
}
