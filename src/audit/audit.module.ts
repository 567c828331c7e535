import { Module } from '@nestjs/common'
import { AuditController } from './audit.controller.ts'
import { Audit } from './audit.service.ts'

@Module({ controllers: [AuditController], providers: [Audit] })
export class AuditModule {}
