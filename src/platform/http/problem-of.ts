import { BrokerError } from '../../sdk/index.ts'

/** What may be stored and shown of an error. */
export function problemOf(error: unknown): { code: string; message: string; fix?: string | undefined } {
  if (error instanceof BrokerError) return { code: error.code, message: error.message, fix: error.fix }
  return { code: 'internal', message: 'the broker made a mistake of its own; its log has the details' }
}
