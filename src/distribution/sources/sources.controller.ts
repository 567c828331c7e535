import { Body, Controller, Param, Query } from '@nestjs/common'
import type { CertificateRenewal, CertificateSourceQuery, NewCertificateSource } from '../../contract/certificate-sources.ts'
import { certificateSources } from '../../contract/endpoints/distribution.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { Sources } from './sources.service.ts'

@Controller()
export class SourcesController {
  constructor(private readonly sources: Sources) {}

  @Endpoint(certificateSources.create)
  create(@CurrentCaller() caller: Caller, @Body({ schema: certificateSources.create.body }) body: NewCertificateSource) {
    return this.sources.create(caller, body)
  }

  @Endpoint(certificateSources.list)
  list(@Query({ schema: certificateSources.list.query }) query: CertificateSourceQuery) {
    return this.sources.list(query)
  }

  @Endpoint(certificateSources.get)
  get(@Param('id', { schema: certificateSources.get.params.id }) id: string) {
    return this.sources.get(id)
  }

  @Endpoint(certificateSources.renew)
  renew(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: certificateSources.renew.params.id }) id: string,
    @Body({ schema: certificateSources.renew.body }) body: CertificateRenewal,
  ) {
    return this.sources.renew(caller, id, body)
  }

  @Endpoint(certificateSources.remove)
  remove(@CurrentCaller() caller: Caller, @Param('id', { schema: certificateSources.remove.params.id }) id: string) {
    return this.sources.remove(caller, id)
  }
}
