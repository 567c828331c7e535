import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import { record } from '../../audit/record.ts'
import type { CertificateQuery, CertificateView, NewCertificate } from '../../contract/certificates.ts'
import type { Page } from '../../contract/lists.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { withdraw } from '../../platform/due/due-work.ts'
import { Cursors } from '../../platform/http/cursors.ts'
import { newId } from '../../platform/ids.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { violates } from '../../platform/postgres/database-errors.ts'
import { SealedColumns } from '../../platform/sealing/sealed-columns.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import { BrokerError, Secret } from '../../sdk/index.ts'
import { type Bundle, readBundle } from './bundle.ts'
import { type Certificate, findCertificate, placeOfKey, selectCertificates } from './certificate.ts'
import { EXPIRY_WORK, Expiry } from './expiry.ts'
import { readPkcs12 } from './pkcs12.ts'

const BY_END = { list: 'certificates', position: z.tuple([z.string(), z.string()]) }

/** Certificates that are to be distributed. Their private keys are sealed from the moment they arrive and leave for targets alone. */
@Injectable()
export class Certificates {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
    private readonly cursors: Cursors,
    private readonly expiry: Expiry,
    columns: SealedColumns,
  ) {
    const place = ({ id }: Readonly<Record<string, unknown>>) => placeOfKey(String(id))
    columns.hold({ table: 'certificates', column: 'sealed', key: { id: 'text' }, place, lasting: true })
  }

  async create(caller: Caller, typed: NewCertificate): Promise<CertificateView> {
    const clock = await row<{ now: Date }>(this.database.pool, 'select clock_timestamp() as now')
    const bundle = await bundleOf(typed, clock!.now)
    const id = newId('crt')
    try {
      await this.database.transaction((tx) => this.write(tx, caller.id, id, typed, bundle))
    } catch (error) {
      if (violates(error, 'certificates_kept_once')) throw await this.keptAlready(bundle.fingerprint)
      throw error
    }
    return this.get(id)
  }

  async get(id: string): Promise<CertificateView> {
    return view(await findCertificate(this.database.pool, id))
  }

  async list({ limit, cursor }: CertificateQuery): Promise<Page<CertificateView>> {
    const [end, id] = this.cursors.read(BY_END, cursor) ?? []
    const found = await selectCertificates(
      this.database.pool,
      '($1::timestamptz is null or (not_after, id) > ($1, $2)) order by not_after, id limit $3',
      [end ?? null, id ?? null, limit + 1],
    )
    return this.cursors.page(BY_END, found, limit, (one) => [one.notAfter.toISOString(), one.id] as [string, string], view)
  }

  /** Its key is erased. The row stays, because distributions point at it. */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const { name, fingerprint } = await findCertificate(tx, id)
      const busy = await row(
        tx,
        `select 1 from distributions d join distribution_parts p on p.distribution_id = d.id
         where d.certificate_id = $1 and d.finished_at is null limit 1`,
        [id],
      )
      if (busy) {
        throw new BrokerError('conflict', `${name} is being distributed`, { fix: 'wait until that is over, or cancel it' })
      }
      const removed = await rows(
        tx,
        'update certificates set removed_at = now(), sealed = null where id = $1 and removed_at is null returning id',
        [id],
      )
      if (removed.length === 0) throw new BrokerError('not_found', `there is no certificate ${id}`)
      await withdraw(tx, EXPIRY_WORK, [id])
      await record(tx, { kind: 'certificate.removed', actor: caller.id, subject: id, data: { name, fingerprint } })
    })
  }

  private async write(tx: Tx, by: string, id: string, { name, variables }: NewCertificate, bundle: Bundle): Promise<void> {
    const { privateKey, fingerprint, subject, notAfter } = bundle
    await rows(
      tx,
      `insert into certificates (id, name, subject, issuer, common_name, domains, serial, fingerprint, key_type, certificate_pem, chain_pem,
         chain, sealed, variables, not_before, not_after, created_by)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
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
        by,
      ],
    )
    await this.expiry.watch(tx, id)
    const data = { name, subject, fingerprint, notAfter: notAfter.toISOString(), hasPrivateKey: privateKey !== undefined }
    await record(tx, { kind: 'certificate.added', actor: by, subject: id, data })
  }

  private async keptAlready(fingerprint: string): Promise<BrokerError> {
    const [other] = await selectCertificates(this.database.pool, 'fingerprint = $1', [fingerprint])
    return new BrokerError('conflict', `this certificate is kept already, as ${other?.name ?? 'another one'}`, {
      field: 'certificate',
      fix: other ? `use ${other.id}, or remove it first` : 'try again',
    })
  }
}

async function bundleOf({ certificate, chain, privateKey, pkcs12 }: NewCertificate, now: Date): Promise<Bundle> {
  if (pkcs12) return readPkcs12(pkcs12.file, new Secret(pkcs12.password), now)
  return readBundle({ certificate: certificate!, chain, privateKey }, now)
}

function view(found: Certificate): CertificateView {
  const { certificatePem: _, chainPem: __, sealed, notBefore, notAfter, createdAt, domains, chain, ...rest } = found
  return {
    ...rest,
    id: rest.id as CertificateView['id'],
    domains: [...domains],
    chain: [...chain],
    hasPrivateKey: sealed !== null,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    createdAt: createdAt.toISOString(),
  }
}
