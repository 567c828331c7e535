import { Body, Controller, Param, Query } from '@nestjs/common'
import type { CertificateQuery, NewCertificate } from '../../contract/certificates.ts'
import { certificates } from '../../contract/endpoints/distribution.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { Certificates } from './certificates.service.ts'

@Controller()
export class CertificatesController {
  constructor(private readonly certificates: Certificates) {}

  @Endpoint(certificates.create)
  create(@CurrentCaller() caller: Caller, @Body({ schema: certificates.create.body }) body: NewCertificate) {
    return this.certificates.create(caller, body)
  }

  @Endpoint(certificates.list)
  list(@Query({ schema: certificates.list.query }) query: CertificateQuery) {
    return this.certificates.list(query)
  }

  @Endpoint(certificates.get)
  get(@Param('id', { schema: certificates.get.params.id }) id: string) {
    return this.certificates.get(id)
  }

  @Endpoint(certificates.remove)
  remove(@CurrentCaller() caller: Caller, @Param('id', { schema: certificates.remove.params.id }) id: string) {
    return this.certificates.remove(caller, id)
  }
}
