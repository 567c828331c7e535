import { BrokerError, type CertificateFacts } from '../../../src/sdk/index.ts'
import { unaskable } from '../../../vault/index.ts'

/** `{{ .cn }}`, `{{ .variables.environment }}` */
const PLACEHOLDER = /\{\{([^{}]*)\}\}/g
const NAME = /^\s*\.([a-z]+)(?:\.([A-Za-z][A-Za-z0-9_]{0,62}))?\s*$/
const NAMES = ['cn', 'domain', 'domains', 'fingerprint', 'serial'] as const
type Name = (typeof NAMES)[number]
const KNOWN = `${NAMES.map((name) => `{{ .${name} }}`).join(', ')} and {{ .variables.… }}`
const EXAMPLE = '0-latchkey-example'
const LONGEST = 512

/** Why a text is no template for paths; undefined when it is one. */
export function templateFlaw(template: string): string | undefined {
  for (const [, inside = ''] of template.matchAll(PLACEHOLDER)) {
    if (!variableOf(inside)) return `has the unknown variable {{${inside}}}; the variables are ${KNOWN}`
  }
  const rest = template.replace(PLACEHOLDER, 'x')
  if (/[{}]/.test(rest)) return 'has a brace that belongs to no {{ .variable }}'
  return pathFlaw(rest)
}

/** The path of one certificate. Throws `input.invalid` when it would be none, or could be somebody else's. */
export function renderPath(template: string, facts: CertificateFacts): string {
  const path = template.replace(PLACEHOLDER, (whole, inside: string) => {
    const value = termOf(variableOf(inside), facts)
    const flaw = value === undefined || value === '' ? 'the certificate has none' : valueFlaw(value)
    if (flaw) throw unfit(`${whole} cannot stand in a path: ${flaw}`)
    return value as string
  })
  const flaw = pathFlaw(path)
  if (flaw) throw unfit(`the path that ${template} gives for this certificate ${flaw}`)
  return path
}

/** The paths that a template may give, as a Vault policy says it, and one of them that no certificate has. */
export function patternOf(template: string): { pattern: string; example: string } {
  const segments = template.split('/')
  const ruled = segments.map((segment, at) => {
    const start = segment.search(/\{\{/)
    if (start < 0) return segment
    const isLast = at === segments.length - 1
    // A policy can end in a glob; elsewhere it knows whole segments alone.
    return isLast && segment.slice(start).replace(PLACEHOLDER, '') === '' ? `${segment.slice(0, start)}*` : '+'
  })
  return { pattern: ruled.join('/'), example: template.replace(PLACEHOLDER, EXAMPLE) }
}

function variableOf(inside: string): { name: Name } | { variable: string } | undefined {
  const [, name = '', variable] = NAME.exec(inside) ?? []
  if (name === 'variables' && variable !== undefined) return { variable }
  const known = NAMES.find((each) => each === name)
  return known && variable === undefined ? { name: known } : undefined
}

function termOf(asked: ReturnType<typeof variableOf>, facts: CertificateFacts): string | undefined {
  if (!asked) return undefined
  if ('variable' in asked) return Object.hasOwn(facts.variables, asked.variable) ? facts.variables[asked.variable] : undefined
  switch (asked.name) {
    case 'cn':
      return facts.cn
    case 'domain':
      return facts.domains[0]
    case 'domains':
      return facts.domains.join(',')
    case 'fingerprint':
      return facts.fingerprint
    case 'serial':
      return facts.serial
  }
}

/** What a certificate says must not choose another place than the template does. */
function valueFlaw(value: string): string | undefined {
  if (value.includes('/')) return 'it holds a slash, and could lead to another secret'
  if (value.includes('*')) return 'it holds a wildcard (*): use {{ .fingerprint }} or a variable for wildcard certificates'
  if (value === '.' || value === '..') return 'it is a relative segment'
  return undefined
}

function pathFlaw(path: string): string | undefined {
  if (path === '') return 'is empty'
  if (path.length > LONGEST) return `is longer than ${LONGEST} characters`
  if (path.startsWith('/')) return 'must not begin with a slash: it is relative to the mount'
  if (path.endsWith('/')) return 'ends with a slash'
  if (path.includes('*') || path.split('/').includes('+')) return 'holds a wildcard'
  if (/[\\?#%]/.test(path)) return 'holds one of \\ ? # %'
  const flaw = unaskable(path)
  if (flaw) return `cannot be asked for: ${flaw.replace('the name', 'it')}`
  if (path.split('/').some((segment) => segment !== segment.trim())) return 'has a segment that begins or ends with a space'
  return undefined
}

function unfit(message: string): BrokerError {
  return new BrokerError('input.invalid', message, {
    field: 'path',
    fix: 'change the path template of the target, or add the certificate with that variable',
  })
}
