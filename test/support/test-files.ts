import { readdirSync } from 'node:fs'
import path from 'node:path'

const TESTS = path.resolve(import.meta.dirname, '..')

/** Where a test is, by its name: the file's without its folder and endings, which no two have in common. */
export function testFile(name: string): string | undefined {
  return testFiles().get(name)
}

/** Throws when two files have one name. */
export function testFiles(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const file of readdirSync(TESTS, { recursive: true, encoding: 'utf8' })) {
    const name = path.basename(file).replace(/(\.test)?\.ts$/, '')
    if (!file.endsWith('.test.ts') && path.basename(file) !== 'reversible-action.ts') continue
    if (found.has(name)) throw new Error(`two tests are called ${name}: ${found.get(name)} and ${path.join(TESTS, file)}`)
    found.set(name, path.join(TESTS, file))
  }
  return found
}
