import type { Mutant } from './mutant.ts'
import { ACTIONS } from './table/actions.ts'
import { APPROVALS } from './table/approvals.ts'
import { CERTIFICATES } from './table/certificates.ts'
import { DISTRIBUTION } from './table/distribution.ts'
import { DUE_WORK } from './table/due-work.ts'
import { ENDINGS } from './table/endings.ts'
import { GRANTS } from './table/grants.ts'
import { IDENTITY } from './table/identity.ts'
import { KEEPING } from './table/keeping.ts'
import { LEAVERS } from './table/leavers.ts'
import { ROTATION } from './table/rotation.ts'
import { RUNS } from './table/runs.ts'
import { VAULT } from './table/vault.ts'

export const MUTANTS: readonly Mutant[] = [
  ...RUNS,
  ...ACTIONS,
  ...DISTRIBUTION,
  ...ROTATION,
  ...CERTIFICATES,
  ...DUE_WORK,
  ...GRANTS,
  ...ENDINGS,
  ...APPROVALS,
  ...IDENTITY,
  ...LEAVERS,
  ...KEEPING,
  ...VAULT,
]
