import type { CertificateChain, CertificateOrigin, CertificateSourceView } from '../../contract/certificate-sources.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import type { Place } from '../../platform/sealing/sealing.ts'
import { BrokerError } from '../../sdk/index.ts'

/** Due work of sources. Its subject is the source. */
export const RENEW_WORK = 'certificate.renew'
export const SEND_WORK = 'certificate.send'

/** What will not pass by itself is tried again so seldom. */
export const AFTER_REFUSAL_SECONDS = 3600

/** Where certificates come from over and over, as its row says. */
export interface Source {
  readonly id: string
  readonly name: string
  readonly from: CertificateOrigin
  readonly variables: Readonly<Record<string, string>>
  readonly thenDistribute: CertificateChain | null
  /** its current one */
  readonly certificate: { readonly id: string; readonly fingerprint: string; readonly notAfter: string } | null
  /** the run that is having one issued, and the key that it is for */
  readonly runId: string | null
  readonly sealedKey: string | null
  readonly nextAt: Date | null
  /** until it is due; 0 or less: it is */
  readonly msLeft: number | null
  readonly problem: CertificateSourceView['problem']
  readonly failingSince: Date | null
  /** it has failed for long enough that people should know, and were not told */
  readonly mustTell: boolean
  readonly told: boolean
  readonly createdBy: string
  readonly createdAt: Date
}

/** Those that were not removed. */
export function selectSources(tx: Tx, where: string, values: readonly unknown[]): Promise<Source[]> {
  return rows(
    tx,
    `select s.id, s.name, s.origin as from, s.variables, s.chain as "thenDistribute", s.run_id as "runId", s.sealed_key as "sealedKey",
       s.next_at as "nextAt", (extract(epoch from s.next_at - clock_timestamp()) * 1000)::float8 as "msLeft", s.problem,
       s.failing_since as "failingSince", s.told, coalesce(s.failing_since < clock_timestamp() - interval '1 hour', false) as "mustTell",
       s.created_by as "createdBy", s.created_at as "createdAt",
       case when c.id is not null then json_build_object('id', c.id, 'fingerprint', c.fingerprint,
         'notAfter', to_char(c.not_after at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) end as certificate
     from certificate_sources s
     left join certificates c on c.source_id = s.id and c.replaced_by is null and c.removed_at is null
     where s.removed_at is null and ${where}`,
    values,
  )
}

export async function findSource(tx: Tx, id: string): Promise<Source> {
  const [found] = await selectSources(tx, 's.id = $1', [id])
  if (!found) throw new BrokerError('not_found', `there is no certificate source ${id}`)
  return found
}

/** Its row is locked until the transaction ends. */
export async function lockSource(tx: Tx, id: string): Promise<Source> {
  await rows(tx, 'select 1 from certificate_sources where id = $1 for update', [id])
  return findSource(tx, id)
}

export function workOf({ id, from }: Pick<Source, 'id' | 'from'>, at?: Date) {
  return { lane: 'background', kind: RENEW_WORK, subject: id, shard: from.integrationId, ...(at && { at }) } as const
}

export function placeOfNewKey(id: string): Place {
  return { table: 'certificate_sources', row: id, column: 'sealed_key' }
}

export function sourceView(source: Source): CertificateSourceView {
  const { id, name, from, variables, thenDistribute, certificate, runId, problem } = source
  return {
    id: id as CertificateSourceView['id'],
    name,
    from,
    variables: { ...variables },
    thenDistribute,
    certificate: certificate as CertificateSourceView['certificate'],
    runId: runId as CertificateSourceView['runId'],
    nextAt: source.nextAt?.toISOString() ?? null,
    problem,
    failingSince: source.failingSince?.toISOString() ?? null,
    createdAt: source.createdAt.toISOString(),
  }
}
