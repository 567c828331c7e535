import { ConfigError } from './config/config-error.ts'
import { BrokerError } from './sdk/index.ts'

/** What a program says when it cannot go on, and the code it ends with (78: the configuration, as in sysexits.h). */
export function lastWords(error: unknown): { words: string; exitCode: number } {
  if (error instanceof ConfigError) return { words: error.message, exitCode: 78 }
  if (error instanceof BrokerError) {
    const request = error.requestId && `request ${error.requestId}`
    return { words: [error.message, error.fix, request].filter(Boolean).join('\n  '), exitCode: 1 }
  }
  // what the system said, such as a port that is in use, needs no stack
  if (error instanceof Error && 'syscall' in error) return { words: error.message, exitCode: 1 }
  return { words: error instanceof Error ? (error.stack ?? error.message) : String(error), exitCode: 1 }
}
