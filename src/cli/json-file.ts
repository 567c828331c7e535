import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { BrokerError } from '../sdk/index.ts'
import type { Terminal } from './terminal.ts'

/** The JSON in a file, or on standard input for `-`. */
export async function jsonFrom(terminal: Terminal, place: string): Promise<unknown> {
  const written = await (place === '-' ? text(terminal.input ?? process.stdin) : readFile(place, 'utf8')).catch(
    (cause: unknown) => {
      throw new BrokerError('input.invalid', `${place} cannot be read`, {
        cause,
        fix: 'name a file that holds JSON, or - for the input',
      })
    },
  )
  try {
    return JSON.parse(written)
  } catch (error) {
    // What the parser says quotes the text, and there may be secrets in it.
    const [where] = /line \d+ column \d+/.exec(String(error)) ?? []
    throw new BrokerError('input.invalid', `${place} is not JSON${where ? ` (${where})` : ''}`, { fix: 'correct the JSON there' })
  }
}
