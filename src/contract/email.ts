import { z } from 'zod'

// What RFC 5322 calls an atom, with the letters that RFC 6531 adds.
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\-\\p{L}\\p{N}\\p{M}]+"
const LOCAL_PART = new RegExp(`^${ATOM}(\\.${ATOM})*$`, 'u')
const LABEL = /^[\p{L}\p{N}]([\p{L}\p{N}\p{M}-]*[\p{L}\p{N}\p{M}])?$/u
const TOP_LEVEL = /^(?!\d+$).{2,}$/u

/** An address as mail servers take it: `müller@example.com`, `x@exämple.com` and `a&b@example.com` are some. None in quotes, none with a comment. */
export const emailAddress = z
  .string()
  .max(254)
  .refine(isAddress, { error: 'is not an email address' })
  .meta({ format: 'idn-email' })

function isAddress(value: string): boolean {
  const at = value.lastIndexOf('@')
  const [local, domain] = [value.slice(0, Math.max(at, 0)), value.slice(at + 1)]
  const labels = domain.split('.')
  return (
    local.length <= 64 &&
    LOCAL_PART.test(local) &&
    labels.length > 1 &&
    labels.every((label) => LABEL.test(label)) &&
    TOP_LEVEL.test(labels.at(-1)!) &&
    URL.canParse(`http://${domain}`)
  )
}
