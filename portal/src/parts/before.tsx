import { Fact, Facts } from './facts.tsx'

/** What stood there before: names, lengths and versions, as the broker shows them; the value of a secret is not among them. */
export function Before({ before }: { readonly before: unknown }) {
  const lines = linesOf(before)
  if (lines.length === 0) return null
  return (
    <Facts facts={{}}>
      {lines.map(([name, value]) => (
        <Fact key={name} name={<bdi>{name}</bdi>}>
          <bdi className="lk-text">{value}</bdi>
        </Fact>
      ))}
    </Facts>
  )
}

/** Each leaf under its path. */
function linesOf(value: unknown, path = ''): [string, string][] {
  if (value === null || value === undefined) return []
  if (typeof value !== 'object') return [[path, typeof value === 'string' ? value : JSON.stringify(value)]]
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) return [[path, value.join(', ')]]
  return Object.entries(value).flatMap(([name, inner]) => linesOf(inner, path === '' ? name : `${path}.${name}`))
}
