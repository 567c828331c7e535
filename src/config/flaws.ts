import type { z } from 'zod'
import type { ConfigProblem } from './config-error.ts'
import { providerFlaws } from './provider-variables.ts'
import { variables } from './variables.ts'

// Never repeated in a problem, however wrong they are.
const SECRETS = [
  'DATABASE_URL',
  'LATCHKEY_OWNER_DATABASE_URL',
  'LATCHKEY_KEY',
  'LATCHKEY_FORMER_KEYS',
  'LATCHKEY_NEXT_KEY',
  'LATCHKEY_SMTP_URL',
  'LATCHKEY_OIDC_CLIENT_SECRET',
]

/** What zod found, with the variable's name and the remedy. */
export function inWords(issue: z.core.$ZodIssue, env: NodeJS.ProcessEnv): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const fix = `unset it, or correct its name. The variables are ${Object.keys(variables.shape).join(', ')}`
    return issue.keys.map((variable) => ({ variable, problem: 'is not a variable of Latchkey', fix }))
  }
  const variable = String(issue.path[0])
  const value = env[variable]
  if (value === '') return [{ variable, problem: 'is empty', fix: `unset it, or ${issue.message}` }]
  const problem = SECRETS.includes(variable) ? 'has a value that cannot be used' : `cannot be "${value}"`
  return [{ variable, problem, fix: issue.message }]
}

/** Variables that do not go together. */
export function contradictions(env: NodeJS.ProcessEnv): ConfigProblem[] {
  const { LATCHKEY_KEY, LATCHKEY_KEY_FILE, LATCHKEY_FSYNC, LATCHKEY_DEVELOPMENT, LATCHKEY_SMTP_URL, LATCHKEY_SMTP_FROM } = env
  const found: ConfigProblem[] = []
  if (LATCHKEY_KEY !== undefined && LATCHKEY_KEY_FILE !== undefined) {
    found.push({ variable: 'LATCHKEY_KEY', problem: 'and LATCHKEY_KEY_FILE are both set', fix: 'unset one of them' })
  }
  if (env['LATCHKEY_OWNER_DATABASE_URL'] !== undefined && env['DATABASE_URL'] === undefined) {
    found.push({ variable: 'DATABASE_URL', problem: 'is missing', fix: 'set it to the role the daemon works as' })
  }
  if (LATCHKEY_FSYNC === 'off' && LATCHKEY_DEVELOPMENT !== 'true') {
    found.push({
      variable: 'LATCHKEY_FSYNC',
      problem: 'is off',
      fix: 'unset it; only LATCHKEY_DEVELOPMENT=true may lose what was written',
    })
  }
  if ((LATCHKEY_SMTP_URL === undefined) !== (LATCHKEY_SMTP_FROM === undefined)) {
    const variable = LATCHKEY_SMTP_URL === undefined ? 'LATCHKEY_SMTP_URL' : 'LATCHKEY_SMTP_FROM'
    found.push({ variable, problem: 'is missing', fix: 'set LATCHKEY_SMTP_URL and LATCHKEY_SMTP_FROM, or neither' })
  }
  return [...found, ...providerFlaws(env)]
}
