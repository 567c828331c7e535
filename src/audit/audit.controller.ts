import { pipeline } from 'node:stream/promises'
import { Controller, Logger, Query, Res } from '@nestjs/common'
import { ApiOkResponse, ApiProduces } from '@nestjs/swagger'
import type { Response } from 'express'
import type { AuditExportQuery, AuditQuery } from '../contract/audit.ts'
import { audit } from '../contract/endpoints/audit.ts'
import { Endpoint } from '../platform/http/endpoint.ts'
import { Audit } from './audit.service.ts'

/** A reader that takes nothing for so long has left, and another one may have its place. */
const READER_PATIENCE_MS = 60_000
const TYPES = { jsonl: 'application/x-ndjson', csv: 'text/csv; charset=utf-8; header=present' } as const

@Controller()
export class AuditController {
  private readonly log = new Logger(AuditController.name)

  constructor(private readonly audit: Audit) {}

  @Endpoint(audit.list)
  list(@Query({ schema: audit.list.query }) query: AuditQuery) {
    return this.audit.list(query)
  }

  /** As fast as its reader takes it. One that breaks off is cut, so that it does not look complete. */
  @Endpoint(audit.export)
  @ApiProduces('application/x-ndjson', 'text/csv')
  @ApiOkResponse({ description: 'oldest first; docs/operations.md describes a line', schema: { type: 'string' } })
  export(@Query({ schema: audit.export.query }) query: AuditExportQuery, @Res() response: Response): Promise<void> {
    return this.audit.export(query, async (lines) => {
      response.attachment(`audit.${query.format}`).type(TYPES[query.format]).setHeader('Cache-Control', 'no-store')
      response.setTimeout(READER_PATIENCE_MS, () => response.destroy())
      try {
        await pipeline(lines, response)
      } catch (error) {
        if (!response.destroyed && !response.headersSent) throw error
        this.log.warn({ error }, 'an export of the audit trail broke off')
      }
    })
  }

  @Endpoint(audit.verify)
  verify() {
    return this.audit.verify()
  }
}
