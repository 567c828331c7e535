import { globSync } from 'node:fs'
import path from 'node:path'

const ROOT = path.resolve(import.meta.dirname, '../..')

export interface RuleGroup {
  readonly name: string
  /** globs by room and name, because files move */
  readonly files: readonly string[]
  /** what must notice: globs too */
  readonly tests: readonly string[]
}

/** Code that decides without asking anybody: no database, no network. In each group nine of ten planted bugs must be noticed. */
export const RULE_GROUPS: readonly RuleGroup[] = [
  {
    name: 'states',
    files: ['src/**/*-machine.ts', 'src/platform/**/machine.ts'],
    tests: ['test/rules/machines.test.ts'],
  },
  {
    name: 'access',
    files: [
      'src/access/**/{evaluate,conditions,fields}.ts',
      'src/approvals/**/{stages,enough-approvers}.ts',
      'src/identity/**/hands.ts',
    ],
    tests: ['test/rules/{evaluate,conditions,fields,stages}.test.ts'],
  },
  {
    name: 'vault policies',
    files: ['plugins/vault/**/{policy,stored-policy,names,probe-names}.ts'],
    tests: ['test/rules/{grant-policy,stored-policy,target-names}.test.ts'],
  },
  {
    name: 'scim filters',
    files: ['src/identity/scim/**/{filter,filter-match,filter-sql}.ts'],
    tests: ['test/rules/scim-filters.test.ts'],
  },
  {
    name: 'scim patches',
    files: ['src/identity/scim/**/{paths,patch,patch-person,patch-emails,patch-group,plain-value}.ts'],
    tests: ['test/rules/scim-{patches,people,groups}.test.ts'],
  },
  {
    name: 'lists and chain',
    files: ['src/integrations/**/glob.ts', 'src/platform/**/cursors.ts', 'src/audit/**/link.ts'],
    tests: ['test/rules/{globs,cursors,links}.test.ts'],
  },
  {
    name: 'texts',
    files: ['src/contract/{text,email,time}.ts', 'src/cli/duration.ts'],
    tests: ['test/rules/{texts,durations}.test.ts'],
  },
  {
    name: 'pauses',
    files: ['vault/retry.ts', 'src/platform/pacing/time-left.ts'],
    tests: ['test/rules/retries.test.ts'],
  },
  { name: 'sealing', files: ['src/platform/**/sealing.ts'], tests: ['test/**/{sealing,sealed-places}.test.ts'] },
  { name: 'webhook targets', files: ['src/notifications/url-guard.ts'], tests: ['test/**/{webhook-guard,webhook-urls}.test.ts'] },
]

/** A bug that nobody can notice. `code` is what it replaces and `becomes` what stands there instead, both as they are written. */
export interface Spared {
  readonly file: string
  readonly code: string
  readonly becomes: string
  readonly why: string
}

export const SPARED: readonly Spared[] = [
  ...['vault/names.ts', 'vault/policy.ts', 'vault/stored-policy.ts', 'vault/probe-names.ts', 'cli/duration.ts'].map((file) => ({
    file,
    code: '[]',
    becomes: '["Stryker was here"]',
    why: 'what stands for no match or no rule: its first place is never read, and the others are undefined either way',
  })),
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
  return matching(name, files)
}

export function testsOf({ name, tests }: RuleGroup): string[] {
  return matching(name, tests)
}

function matching(name: string, patterns: readonly string[]): string[] {
  return patterns.flatMap((pattern) => {
    const found = globSync(pattern, { cwd: ROOT }).sort()
    if (found.length === 0) throw new TypeError(`${name}: no file fits ${pattern}`)
    return found
  })
}
