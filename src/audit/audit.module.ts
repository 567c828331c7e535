import { Module } from '@nestjs/common'
import { AuditController } from './audit.controller.ts'
import { Audit } from './audit.service.ts'
import { Checkpoints } from './checkpoints.ts'

@Module({ controllers: [AuditController], providers: [Audit, Checkpoints] })
export class AuditModule {}
