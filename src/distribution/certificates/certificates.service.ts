import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import { record } from '../../audit/record.ts'
import type { CertificateQuery, CertificateView, NewCertificate } from '../../contract/certificates.ts'
import type { Page } from '../../contract/lists.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { withdraw } from '../../platform/due/due-work.ts'
import { Cursors } from '../../platform/http/cursors.ts'
import { Database, databaseNow, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { violates } from '../../platform/postgres/database-errors.ts'
import { BrokerError, Secret } from '../../sdk/index.ts'
import { type Bundle, readBundle } from './bundle.ts'
import { type Certificate, findCertificate, selectCertificates } from './certificate.ts'
import { EXPIRY_WORK } from './expiry.ts'
import { Keeping } from './keeping.ts'
import { readPkcs12 } from './pkcs12.ts'
import { Revocations } from './revocations.ts'

const BY_END = { list: 'certificates', position: z.tuple([z.string(), z.string()]) }

/** Certificates that are to be distributed. Their private keys are sealed from the moment they arrive and leave for targets alone. */
@Injectable()
export class Certificates {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
    private readonly keeping: Keeping,
    private readonly revocations: Revocations,
  ) {}

  async create(caller: Caller, typed: NewCertificate): Promise<CertificateView> {
    const bundle = await bundleOf(typed, await databaseNow(this.database.pool))
    const by = { user: caller.id, actor: caller.id }
    const { name, variables } = typed
    try {
      const id = await this.database.transaction((tx) => this.keeping.keep(tx, by, { name, variables, bundle }))
      return await this.get(id)
    } catch (error) {
      if (violates(error, 'certificates_kept_once')) throw await this.keptAlready(bundle.fingerprint)
      throw error
    }
  }

  async get(id: string): Promise<CertificateView> {
    const found = await findCertificate(this.database.pool, id)
    return view(found, await this.revokedAmong([found]))
  }

  async list({ limit, cursor }: CertificateQuery): Promise<Page<CertificateView>> {
    const [end, id] = this.cursors.read(BY_END, cursor) ?? []
    const found = await selectCertificates(
      this.database.pool,
      '($1::timestamptz is null or (not_after, certificates.id) > ($1, $2)) order by not_after, certificates.id limit $3',
      [end ?? null, id ?? null, limit + 1],
    )
    const revoked = await this.revokedAmong(found)
    const position = (one: Certificate): [string, string] => [one.notAfter.toISOString(), one.id]
    return this.cursors.page(BY_END, found, limit, position, (one) => view(one, revoked))
  }

  /** Its key is erased. The row stays, because distributions point at it. */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const { name, fingerprint, sourceId, replacedBy } = await findCertificate(tx, id)
      if (sourceId && !replacedBy) await mustNotComeAgain(tx, sourceId, name)
      const busy = await row(
        tx,
        `select 1 from distributions d join distribution_parts p on p.distribution_id = d.id
         where d.certificate_id = $1 and d.finished_at is null limit 1`,
        [id],
      )
      if (busy) {
        throw new BrokerError('conflict', `${name} is being distributed at this moment`, {
          fix: 'wait until the distribution is over, or cancel it',
        })
      }
      const removed = await rows(
        tx,
        'update certificates set removed_at = now(), sealed = null where id = $1 and removed_at is null returning id',
        [id],
      )
      if (removed.length === 0) throw new BrokerError('not_found', `there is no certificate ${id}`)
      await withdraw(tx, [EXPIRY_WORK], [id])
      await record(tx, { kind: 'certificate.removed', actor: caller.id, subject: id, data: { name, fingerprint } })
    })
  }

  private revokedAmong(found: readonly Certificate[]): Promise<ReadonlyMap<string, string>> {
    return this.revocations.among(
      this.database.pool,
      found.map(({ fingerprint }) => fingerprint),
    )
  }

  private async keptAlready(fingerprint: string): Promise<BrokerError> {
    const [other] = await selectCertificates(this.database.pool, 'fingerprint = $1', [fingerprint])
    return new BrokerError('conflict', `this certificate is already kept as ${other?.name ?? 'another one'}`, {
      field: 'certificate',
      fix: other ? `use ${other.id}, or remove it first` : 'try again',
    })
  }
}

/** The current one of a source that goes on would be there again at once. */
async function mustNotComeAgain(tx: Tx, sourceId: string, name: string): Promise<void> {
  const source = await row(tx, 'select 1 from certificate_sources where id = $1 and removed_at is null', [sourceId])
  if (!source) return
  throw new BrokerError('conflict', `${name} is the current certificate of a source`, { fix: `remove ${sourceId} first` })
}

async function bundleOf({ certificate, chain, privateKey, pkcs12 }: NewCertificate, now: Date): Promise<Bundle> {
  if (pkcs12) return readPkcs12(pkcs12.file, new Secret(pkcs12.password), now)
  return readBundle({ certificate: certificate!, chain, privateKey }, now)
}

function view(found: Certificate, revoked: ReadonlyMap<string, string>): CertificateView {
  const { certificatePem: _, chainPem: __, sealed, run: ___, notBefore, notAfter, createdAt, domains, chain, ...rest } = found
  return {
    ...rest,
    state: revoked.has(rest.fingerprint) ? 'revoked' : rest.state,
    id: rest.id as CertificateView['id'],
    sourceId: rest.sourceId as CertificateView['sourceId'],
    runId: rest.runId as CertificateView['runId'],
    replacedBy: rest.replacedBy as CertificateView['replacedBy'],
    domains: [...domains],
    chain: [...chain],
    hasPrivateKey: sealed !== null,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    createdAt: createdAt.toISOString(),
  }
}
