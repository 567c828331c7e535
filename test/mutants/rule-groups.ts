import { globSync } from 'node:fs'
import path from 'node:path'

const ROOT = path.resolve(import.meta.dirname, '../..')

export interface RuleGroup {
  readonly name: string
  /** globs by room and name, because files move */
  readonly files: readonly string[]
}

/** Code that decides without asking anybody: no database, no network. In each group nine of ten planted bugs must be noticed. */
export const RULE_GROUPS: readonly RuleGroup[] = [
  { name: 'states', files: ['src/**/*-machine.ts', 'src/platform/**/machine.ts'] },
]

/** A bug that nobody can notice. `code` is what it replaces and `becomes` what stands there instead, both as they are written. */
export interface Spared {
  readonly file: string
  readonly code: string
  readonly becomes: string
  readonly why: string
}

export const SPARED: readonly Spared[] = []

/** Throws for a pattern that nothing fits any more: what is judged may move, and not drop out unseen. */
export function filesOf({ name, files }: RuleGroup): string[] {
  return files.flatMap((pattern) => {
    const found = globSync(pattern, { cwd: ROOT }).sort()
    if (found.length === 0) throw new TypeError(`${name}: no file fits ${pattern}`)
    return found
  })
}
