import { BrokerError } from '../../sdk/index.ts'

/** What stands between one BEGIN line and its END. */
export interface PemBlock {
  /** `CERTIFICATE`, `EC PRIVATE KEY` */
  readonly label: string
  /** from BEGIN to END, with a line break at its end and no other white space around */
  readonly text: string
}

/** Reads a text that holds PEM blocks and nothing else: a person who pasted more than that may have pasted the wrong thing. */
export function pemBlocks(text: string, field: string): PemBlock[] {
  const blocks: PemBlock[] = []
  let open: { label: string; lines: string[] } | undefined
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    const [, begins] = /^-----BEGIN ([A-Z0-9 ]+)-----$/.exec(line) ?? []
    if (!open) {
      if (begins) open = { label: begins, lines: [line] }
      else if (line !== '') throw odd(field, `line ${at + 1} belongs to no block; keep only the lines from BEGIN to END`)
      continue
    }
    if (begins) throw odd(field, `line ${at + 1} begins a block within another: an END line is missing`)
    open.lines.push(line)
    if (line !== `-----END ${open.label}-----`) continue
    blocks.push({ label: open.label, text: `${open.lines.filter((each, i) => each !== '' || i === 0).join('\n')}\n` })
    open = undefined
  }
  if (open) throw odd(field, `the block ${open.label} has no END line: is the text complete?`)
  if (blocks.length === 0) throw odd(field, 'holds no PEM block (-----BEGIN …-----)')
  return blocks
}

/** What a block holds, decoded; undefined when it is not base64 throughout. */
export function bytesOf({ text }: PemBlock): Buffer | undefined {
  const body = text.split('\n').slice(1, -2).join('')
  return /^[A-Za-z0-9+/]+={0,2}$/.test(body) ? Buffer.from(body, 'base64') : undefined
}

/** The same the other way: bytes as a block. */
export function pemOf(der: Buffer, label: string): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function odd(field: string, message: string): BrokerError {
  return new BrokerError('input.invalid', `${field}: ${message}`, { field, fix: 'give it as PEM text, block after block' })
}
