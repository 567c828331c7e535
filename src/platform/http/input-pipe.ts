import { type ArgumentMetadata, StandardSchemaValidationPipe } from '@nestjs/common'
import { z } from 'zod'
import { flawOf } from '../../contract/text.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type Issue, issuesOf, wordsFor } from './input-issues.ts'

/** A call whose fields cannot be accepted, with all of them. */
export class InvalidInput extends BrokerError {
  readonly issues: readonly Issue[]

  constructor(issues: readonly Issue[]) {
    const first = issues[0] ?? { field: '', message: 'the input cannot be accepted' }
    super('input.invalid', [first.field, first.message].filter(Boolean).join(' '), { field: first.field || undefined })
    this.issues = issues
  }
}

/** Checks every argument that has a schema. What no string may contain is refused even where a schema forgot to. */
export class InputPipe extends StandardSchemaValidationPipe {
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    const schema = metadata.schema
    if (!schema || metadata.type === 'custom') return value
    if (!(schema instanceof z.ZodType)) throw new TypeError('an argument is described by something other than zod')
    const prefix = metadata.data === undefined ? [] : [metadata.data]
    if (metadata.type === 'body' && value === undefined) {
      throw new InvalidInput([{ field: '', message: 'the call needs a JSON body' }])
    }
    const flaw = findFlaw(value, prefix)
    if (flaw) throw new InvalidInput([flaw])
    const result = await schema.safeParseAsync(value, { error: wordsFor })
    if (!result.success) throw new InvalidInput(issuesOf(result.error, prefix))
    return result.data as T
  }
}

function findFlaw(value: unknown, path: readonly string[]): Issue | undefined {
  if (typeof value === 'string') {
    const message = flawOf(value)
    return message ? { field: path.join('.'), message } : undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, item] of Object.entries(value)) {
    if (key === '__proto__' || flawOf(key)) {
      return { field: path.join('.'), message: `contains a forbidden key: ${JSON.stringify(key)}` }
    }
    const found = findFlaw(item, [...path, key])
    if (found) return found
  }
  return undefined
}
