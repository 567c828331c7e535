import { BROKER, record } from '../../audit/record.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import type { Source } from './source.ts'

/** What stands in the way of a source. */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly fix?: string | undefined
}

/** What may pass is told once, until it succeeds again; a refusal is told as often as it is another one. */
export type Telling = 'not yet' | 'once' | 'each'

export async function noteFailure(
  tx: Tx,
  { id, name, told, problem: former, certificate }: Pick<Source, 'id' | 'name' | 'told' | 'problem' | 'certificate'>,
  problem: Problem,
  tell: Telling,
): Promise<void> {
  await rows(
    tx,
    `update certificate_sources set problem = $2, failing_since = coalesce(failing_since, clock_timestamp()), told = told or $3 where id = $1`,
    [id, JSON.stringify(problem), tell !== 'not yet'],
  )
  const isAnother = former?.code !== problem.code || former.message !== problem.message
  if (tell === 'not yet' || (told && !(tell === 'each' && isAnother))) return
  const data = { name, certificate: certificate?.id ?? null, notAfter: certificate?.notAfter ?? null, ...problem }
  await record(tx, { kind: 'certificate_source.failed', actor: BROKER, subject: id, data })
}

/** Nothing stands in its way any more: what comes next is told again. */
export async function noteSuccess(tx: Tx, id: string): Promise<void> {
  await rows(tx, 'update certificate_sources set problem = null, failing_since = null, told = false where id = $1', [id])
}
