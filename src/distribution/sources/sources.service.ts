import { Injectable, type OnModuleInit } from '@nestjs/common'
import { z } from 'zod'
import { record } from '../../audit/record.ts'
import type { ChangeKind } from '../../changes/change-kind.ts'
import { FourEyes } from '../../changes/four-eyes.ts'
import type { Held } from '../../changes/held.ts'
import {
  type CertificateRenewal,
  type CertificateSourceQuery,
  type CertificateSourceView,
  type NewCertificateSource,
  newCertificateSource,
} from '../../contract/certificate-sources.ts'
import type { Page } from '../../contract/lists.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { Inhabitants } from '../../integrations/inhabitants.ts'
import { findConnected } from '../../integrations/integration.ts'
import { DueWork, enqueue, withdraw } from '../../platform/due/due-work.ts'
import { Cursors } from '../../platform/http/cursors.ts'
import { newId } from '../../platform/ids.ts'
import { Database, rows, type Tx } from '../../platform/postgres/database.ts'
import { violates } from '../../platform/postgres/database-errors.ts'
import { Previews } from '../../runs/previews.ts'
import { BrokerError, type Json } from '../../sdk/index.ts'
import { requestFor } from '../certificates/signing-request.ts'
import { selectTargets } from '../targets/target.ts'
import { mustBeKeptByNobodyElse } from './adopting.ts'
import { Origins } from './origins.ts'
import { findSource, lockSource, RENEW_WORK, SEND_WORK, selectSources, sourceView, workOf } from './source.ts'

const LATEST_FIRST = { list: 'certificate sources', position: z.string() }

/** Sources of certificates: pulled from a place or issued, renewed by themselves, and sent on to targets. */
@Injectable()
export class Sources implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
    private readonly fourEyes: FourEyes,
    private readonly work: DueWork,
    private readonly origins: Origins,
    private readonly previews: Previews,
    private readonly inhabitants: Inhabitants,
  ) {}

  onModuleInit(): void {
    this.fourEyes.register(this.creating)
    this.inhabitants.register({
      one: 'certificate source',
      many: 'certificate sources',
      isUseAlone: true,
      living: (tx, integrationId) =>
        rows<{ id: string }>(tx, 'select id from certificate_sources where integration_id = $1 and removed_at is null', [
          integrationId,
        ]),
    })
  }

  create(caller: Caller, input: NewCertificateSource): Promise<CertificateSourceView | Held> {
    return this.fourEyes.submit(caller, this.creating, null, input)
  }

  async get(id: string): Promise<CertificateSourceView> {
    return sourceView(await findSource(this.database.pool, id))
  }

  async list({ limit, cursor }: CertificateSourceQuery): Promise<Page<CertificateSourceView>> {
    const after = this.cursors.read(LATEST_FIRST, cursor)
    const found = await selectSources(this.database.pool, '($1::text is null or s.id < $1) order by s.id desc limit $2', [
      after ?? null,
      limit + 1,
    ])
    return this.cursors.page(LATEST_FIRST, found, limit, ({ id }) => id, sourceView)
  }

  /** What two people accepted once is done a little earlier. */
  async renew(caller: Caller, id: string, { reason }: CertificateRenewal): Promise<CertificateSourceView> {
    const view = await this.database.transaction(async (tx) => {
      const source = await lockSource(tx, id)
      if (source.runId) {
        throw new BrokerError('conflict', 'a certificate is being issued already', { fix: 'wait until that is over' })
      }
      await this.dueNow(tx, id)
      await record(tx, { kind: 'certificate_source.asked', actor: caller.id, subject: id, data: { name: source.name, reason } })
      return sourceView(await findSource(tx, id))
    })
    this.work.wake('background')
    return view
  }

  async remove(caller: Caller, id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const { name, runId } = await lockSource(tx, id)
      if (runId) {
        throw new BrokerError('conflict', 'a certificate is being issued', { fix: `wait until ${runId} is over, or cancel it` })
      }
      await rows(tx, 'update certificate_sources set removed_at = now(), next_at = null where id = $1', [id])
      await withdraw(tx, [RENEW_WORK, SEND_WORK], [id])
      await record(tx, { kind: 'certificate_source.removed', actor: caller.id, subject: id, data: { name } })
    })
  }

  private readonly creating: ChangeKind<NewCertificateSource, CertificateSourceView> = {
    kind: 'certificate_source.create',
    roles: ['admin'],
    parse: (body) => newCertificateSource.parse(body),
    summary: async (_, input) => {
      const { name, variables, thenDistribute } = input
      const { from, shown } = await this.look(input)
      const targets = await this.targetsOf(input)
      return {
        name,
        from: { ...(JSON.parse(JSON.stringify(from)) as { [key: string]: Json }), inWords: await this.origins.inWords(from) },
        ...shown,
        variables,
        thenDistribute: thenDistribute
          ? { targets, batchSize: thenDistribute.batchSize, undoIfUnverified: thenDistribute.undoIfUnverified }
          : null,
      }
    },
    prepare: async (by, _, input) => {
      const { from } = await this.look(input)
      await this.targetsOf(input)
      const id = newId('cso')
      return {
        write: (tx) => this.write(tx, by, id, { ...input, from }),
        afterwards: () => this.work.wake('background'),
      }
    },
  }

  /** What stands there, or would be issued, as far as people may see it. Throws what would keep it from coming. */
  private async look(input: NewCertificateSource) {
    const from = await this.origins.read(input.from)
    if (from.kind === 'stored') {
      const bundle = await this.origins.pull(from)
      await mustBeKeptByNobodyElse(this.database.pool, bundle, null)
      const { subject, fingerprint, notAfter } = bundle
      return { from, shown: { certificate: { subject, fingerprint, notAfter: notAfter.toISOString() } } }
    }
    const { sources } = await this.origins.of(from)
    const { request } = await requestFor(from.key, sources.namesOf(from.wish))
    try {
      const meant = await this.previews.look(from.integrationId, sources.action, sources.inputOf(from.wish, request))
      const steps = await this.previews.plan(meant)
      return { from, shown: { steps: steps.map(({ summary }) => summary) } }
    } catch (error) {
      if (!(error instanceof BrokerError) || !error.field?.startsWith('input.')) throw error
      const field = error.field.replace(/^input/, 'from.wish')
      throw new BrokerError(error.code, error.message, { field, fix: error.fix, cause: error })
    }
  }

  /** Names of the targets that it is sent to. Whether a certificate fits each is known when there is one. */
  private async targetsOf({ thenDistribute }: NewCertificateSource): Promise<string[]> {
    if (!thenDistribute) return []
    const found = new Map(
      (await selectTargets(this.database.pool, 't.id = any($1)', [thenDistribute.targetIds])).map((one) => [one.id, one]),
    )
    return thenDistribute.targetIds.map((id, at) => {
      const target = found.get(id)
      if (target) return target.name
      throw new BrokerError('input.invalid', `there is no target ${id}`, {
        field: `thenDistribute.targetIds.${at}`,
        fix: 'GET /api/targets lists them',
      })
    })
  }

  private async write(tx: Tx, by: string, id: string, input: NewCertificateSource): Promise<CertificateSourceView> {
    const { name, from, variables, thenDistribute } = input
    await findConnected(tx, from.integrationId, 'for share') // nobody removes it meanwhile
    try {
      await rows(
        tx,
        `insert into certificate_sources (id, name, origin, integration_id, variables, chain, next_at, created_by)
         values ($1, $2, $3, $4, $5, $6, clock_timestamp(), $7)`,
        [
          id,
          name,
          JSON.stringify(from),
          from.integrationId,
          JSON.stringify(variables),
          thenDistribute ? JSON.stringify(thenDistribute) : null,
          by,
        ],
      )
    } catch (error) {
      if (!violates(error, 'certificate_sources_name_taken')) throw error
      throw new BrokerError('conflict', `there is a certificate source ${name} already`, {
        field: 'name',
        fix: 'choose another name',
      })
    }
    await this.dueNow(tx, id)
    const data = { name, kind: from.kind, integration: from.integrationId, targets: thenDistribute?.targetIds ?? [] }
    await record(tx, { kind: 'certificate_source.created', actor: by, subject: id, data })
    return sourceView(await findSource(tx, id))
  }

  private async dueNow(tx: Tx, id: string): Promise<void> {
    await rows(tx, 'update certificate_sources set next_at = clock_timestamp() where id = $1', [id])
    await enqueue(tx, [workOf(await findSource(tx, id))])
  }
}
