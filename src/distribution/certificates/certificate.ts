import { RUN_FACTS } from '../../actions/run-facts.ts'
import type { RunState } from '../../actions/run-machine.ts'
import type { CertificateView } from '../../contract/certificates.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import type { Place, Sealer } from '../../platform/sealing/sealing.ts'
import { BrokerError, type CertificateToGo, type Secret } from '../../sdk/index.ts'

import type { Bundle } from './bundle.ts'

/** Within so many days of its end it is called expiring. */
export const EXPIRING_DAYS = 30

export interface Certificate {
  readonly id: string
  readonly name: string
  readonly subject: string
  readonly issuer: string
  readonly commonName: string | null
  readonly domains: readonly string[]
  readonly serial: string
  readonly fingerprint: string
  readonly keyType: string
  readonly certificatePem: string
  readonly chainPem: string
  readonly chain: readonly { readonly subject: string; readonly fingerprint: string }[]
  /** the private key, sealed; null where none was given */
  readonly sealed: string | null
  readonly variables: Readonly<Record<string, string>>
  readonly notBefore: Date
  readonly notAfter: Date
  readonly state: CertificateView['state']
  readonly sourceId: string | null
  /** the run that had it issued, and how that stands */
  readonly runId: string | null
  readonly run: RunState | null
  readonly replacedBy: string | null
  readonly createdAt: Date
}

export async function selectCertificates(tx: Tx, where: string, values: readonly unknown[]): Promise<Certificate[]> {
  return rows(
    tx,
    `select certificates.id, name, subject, issuer, common_name as "commonName", domains, serial, fingerprint, key_type as "keyType",
       certificate_pem as "certificatePem", chain_pem as "chainPem", chain, sealed, variables, not_before as "notBefore",
       not_after as "notAfter", created_at as "createdAt", source_id as "sourceId", run_id as "runId", f.state as run, replaced_by as "replacedBy",
       case when f.state <> 'executed' then 'revoked' when not_after <= now() then 'expired' when not_after <= now() + make_interval(days => ${EXPIRING_DAYS}) then 'expiring'
         else 'valid' end as state
     from certificates left join ${RUN_FACTS} f on f.id = run_id where removed_at is null and ${where}`,
    values,
  )
}

export async function findCertificate(tx: Tx, id: string, lock?: 'for share'): Promise<Certificate> {
  if (lock) await row(tx, `select 1 from certificates where id = $1 ${lock}`, [id])
  const [found] = await selectCertificates(tx, 'certificates.id = $1', [id])
  if (!found) throw new BrokerError('not_found', `there is no certificate ${id}`)
  return found
}

/** What of it goes to targets, but for the private key. */
export function toGo(certificate: Certificate): CertificateToGo {
  const { commonName, domains, serial, fingerprint, variables, certificatePem, chainPem } = certificate
  return {
    ...(commonName !== null && { cn: commonName }),
    domains,
    serial,
    fingerprint,
    variables,
    certificatePem,
    ...(chainPem && { chainPem }),
  }
}

export function privateKeyOf(sealer: Sealer, { id, sealed }: Certificate): Secret | undefined {
  return sealed === null ? undefined : sealer.open(sealed, placeOfKey(id))
}

/** Whether it is that one to the letter, with its issuers and its key: one that was mended has the same fingerprint. */
export function isThatOne(sealer: Sealer, kept: Certificate, { certificatePem, chainPem, privateKey }: Bundle): boolean {
  const isSame = kept.certificatePem === certificatePem && kept.chainPem === chainPem
  return isSame && privateKeyOf(sealer, kept)?.reveal() === privateKey?.reveal()
}

export function placeOfKey(id: string): Place {
  return { table: 'certificates', row: id, column: 'sealed' }
}
