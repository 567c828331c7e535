import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { testFile } from '../support/test-files.ts'

const TESTS = path.resolve(import.meta.dirname, '..')

/** Whether any of these suites starts the program as it was compiled: it, or what it imports from the tests, names its folder. */
export function needCompiled(suites: readonly string[]): boolean {
  return filesOf(suites).some((file) => /\bdist['/]|latchkey\.mjs/.test(readFileSync(file, 'utf8')))
}

function filesOf(suites: readonly string[]): string[] {
  const files = new Set(suites.flatMap((suite) => testFile(suite) ?? []))
  // A set goes on over what is added meanwhile.
  for (const file of files) {
    for (const [, place = ''] of readFileSync(file, 'utf8').matchAll(/from '(\.[^']+\.ts)'/g)) {
      const other = path.resolve(path.dirname(file), place)
      if (other.startsWith(TESTS + path.sep) && existsSync(other)) files.add(other)
    }
  }
  return [...files]
}
