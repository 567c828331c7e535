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
  {
    name: 'access',
    files: [
      'src/access/**/{evaluate,conditions,fields}.ts',
      'src/approvals/**/{stages,enough-approvers}.ts',
      'src/identity/**/hands.ts',
    ],
  },
  { name: 'vault policies', files: ['plugins/vault/**/{policy,stored-policy,names,probe-names}.ts'] },
  { name: 'scim filters', files: ['src/identity/scim/{filter,filter-match,filter-sql}.ts'] },
  { name: 'scim patches', files: ['src/identity/scim/{paths,patch,patch-person,patch-emails,patch-group,plain-value}.ts'] },
]

/** A bug that nobody can notice. `code` is what it replaces and `becomes` what stands there instead, both as they are written. */
export interface Spared {
  readonly file: string
  readonly code: string
  readonly becomes: string
  readonly why: string
}

export const SPARED: readonly Spared[] = [
  {
    file: 'rules/evaluate.ts',
    code: '[]',
    becomes: '["Stryker was here"]',
    why: 'text where a field is due asks for nothing, and a permission of that name is none that anybody has',
  },
  ...['field.min !== undefined', 'field.max !== undefined'].map((code) => ({
    file: 'rules/fields.ts',
    code,
    becomes: 'true',
    why: 'no number is less or more than undefined',
  })),
  {
    file: 'approvals/stages.ts',
    code: '[]',
    becomes: '["Stryker was here"]',
    why: 'text is no approval and is passed over',
  },
  {
    file: 'approvals/stages.ts',
    code: "approval.decision !== 'approve'",
    becomes: 'false',
    why: 'a refusal that could be counted has decided its stage before anything is counted, and repeats nothing in another',
  },
]

/** Throws for a pattern that nothing fits any more: what is judged may move, and not drop out unseen. */
export function filesOf({ name, files }: RuleGroup): string[] {
  return files.flatMap((pattern) => {
    const found = globSync(pattern, { cwd: ROOT }).sort()
    if (found.length === 0) throw new TypeError(`${name}: no file fits ${pattern}`)
    return found
  })
}
