import { BrokerError } from '../../sdk/index.ts'

const DEEPEST = 32

/** Refuses a body that readers of JSON disagree about, or stumble over: a name given twice in one object, and nesting without end. */
export function refuseOddJson(text: string): void {
  const open: Set<string>[] = []
  let last = ''
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at]!
    if (mark === '"') {
      const end = endOfString(text, at)
      last = text.slice(at, end + 1)
      at = end
    } else if (mark === '{' || mark === '[') {
      open.push(new Set())
      if (open.length > DEEPEST) throw new BrokerError('input.invalid', `the body is nested more than ${DEEPEST} deep`)
    } else if (mark === '}' || mark === ']') {
      open.pop()
    } else if (mark === ':') {
      note(open.at(-1), nameOf(last))
    }
  }
}

function note(names: Set<string> | undefined, name: string): void {
  if (names?.has(name)) {
    throw new BrokerError('input.invalid', `${JSON.stringify(name)} is given twice`, { field: name, fix: 'give it once' })
  }
  names?.add(name)
}

function endOfString(text: string, begin: number): number {
  let at = begin + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

/** The name as the parser will read it, whatever escapes it is written with. What cannot be read is left for the parser to refuse. */
function nameOf(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return quoted
  }
}
