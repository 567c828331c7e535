import { Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import { newId } from '../../platform/ids.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { SealedColumns } from '../../platform/sealing/sealed-columns.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import type { Bundle } from './bundle.ts'
import { placeOfKey } from './certificate.ts'
import { Expiry } from './expiry.ts'

/** A certificate as it is to be kept, and where it came from. */
export interface ToKeep {
  readonly name: string
  readonly variables: Readonly<Record<string, string>>
  readonly bundle: Bundle
  readonly sourceId?: string
  readonly runId?: string | null
}

/** Writes certificates down. Their private keys are sealed from the moment they arrive and leave for targets alone. */
@Injectable()
export class Keeping {
  constructor(
    private readonly sealer: Sealer,
    private readonly expiry: Expiry,
    columns: SealedColumns,
  ) {
    const place = ({ id }: Readonly<Record<string, unknown>>) => placeOfKey(String(id))
    columns.hold({ table: 'certificates', column: 'sealed', key: { id: 'text' }, place, lasting: true })
  }

  async keep(tx: Tx, by: { readonly user: string; readonly actor: string }, kept: ToKeep, id = newId('crt')): Promise<string> {
    const { name, variables, bundle, sourceId, runId } = kept
    const { privateKey, fingerprint, subject, notAfter } = bundle
    await rows(
      tx,
      `insert into certificates (id, name, subject, issuer, common_name, domains, serial, fingerprint, key_type, certificate_pem, chain_pem,
         chain, sealed, variables, not_before, not_after, created_by, source_id, run_id)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
      [
        id,
        name,
        subject,
        bundle.issuer,
        bundle.commonName ?? null,
        JSON.stringify(bundle.domains),
        bundle.serial,
        fingerprint,
        bundle.keyType,
        bundle.certificatePem,
        bundle.chainPem,
        JSON.stringify(bundle.chain),
        privateKey ? this.sealer.seal(privateKey, placeOfKey(id)) : null,
        JSON.stringify(variables),
        bundle.notBefore,
        notAfter,
        by.user,
        sourceId ?? null,
        runId ?? null,
      ],
    )
    await this.expiry.watch(tx, id)
    const data = {
      name,
      subject,
      fingerprint,
      notAfter: notAfter.toISOString(),
      hasPrivateKey: privateKey !== undefined,
      ...(sourceId && { source: sourceId }),
    }
    await record(tx, { kind: 'certificate.added', actor: by.actor, subject: id, data })
    return id
  }
}
