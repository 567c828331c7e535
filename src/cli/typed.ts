import { createInterface } from 'node:readline/promises'
import type { Terminal } from './terminal.ts'

/** What somebody types after they were told what it is for. */
export async function typed(terminal: Terminal, warning: string): Promise<string> {
  terminal.tell(`${warning} To go on, type the name:`)
  const lines = createInterface({ input: terminal.input ?? process.stdin })
  const { value: line } = await lines[Symbol.asyncIterator]().next()
  lines.close()
  return String(line ?? '').trim()
}
