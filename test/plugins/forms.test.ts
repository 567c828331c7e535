import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { vault } from '../../plugins/vault/index.ts'

/** Every form that somebody fills in for the plugin. */
const FORMS: [string, z.ZodType][] = [
  ['the configuration', vault.config],
  ['the credential of targets', vault.distribution!.credential],
  ['the location at a target', vault.distribution!.location],
  ['where a certificate is kept', vault.certificateSources!.place],
  ['what certificate is wished for', vault.certificateSources!.wish],
  ...Object.values(vault.actions ?? {}).map(({ name, input }): [string, z.ZodType] => [name, input]),
]

describe('the forms of the Vault plugin', () => {
  it.each(FORMS)('show what is assumed where a field is left out: %s', (_name, schema) => {
    const hidden: string[] = []
    z.toJSONSchema(schema, {
      io: 'input',
      unrepresentable: 'any',
      override({ zodSchema, jsonSchema, path }) {
        if (zodSchema._zod.def.type === 'default' && !('default' in jsonSchema)) hidden.push(path.join('.'))
      },
    })
    expect(hidden, 'a default after a transformation is in no form: prefault is').toEqual([])
  })
})
