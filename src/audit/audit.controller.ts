import { pipeline } from 'node:stream/promises'
import { Controller, Get, HttpCode, Logger, Post, Query, Res } from '@nestjs/common'
import { ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger'
import type { Response } from 'express'
import {
  type AuditExportQuery,
  type AuditQuery,
  auditExportQuery,
  auditPage,
  auditQuery,
  auditVerdict,
} from '../contract/audit.ts'
import { Access } from '../platform/http/allowed-for.ts'
import { Audit } from './audit.service.ts'

/** A reader that takes nothing for so long has left, and another one may have its place. */
const READER_PATIENCE_MS = 60_000
const TYPES = { jsonl: 'application/x-ndjson', csv: 'text/csv; charset=utf-8; header=present' } as const

@ApiTags('audit')
@Controller('api/audit')
@Access({ scope: 'audit', roles: ['admin', 'auditor'] })
export class AuditController {
  private readonly log = new Logger(AuditController.name)

  constructor(private readonly audit: Audit) {}

  @Get()
  @ApiOkResponse({ standardSchema: auditPage })
  list(@Query({ schema: auditQuery }) query: AuditQuery) {
    return this.audit.list(query)
  }

  /** As fast as its reader takes it. One that breaks off is cut, so that it does not look complete. */
  @Get('export')
  @ApiProduces('application/x-ndjson', 'text/csv')
  @ApiOkResponse({ description: 'oldest first; docs/operations.md describes a line', schema: { type: 'string' } })
  export(@Query({ schema: auditExportQuery }) query: AuditExportQuery, @Res() response: Response): Promise<void> {
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

  @Post('verify')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: auditVerdict })
  verify() {
    return this.audit.verify()
  }
}
