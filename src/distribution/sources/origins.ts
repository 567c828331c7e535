import { Injectable } from '@nestjs/common'
import type { CertificateOrigin } from '../../contract/certificate-sources.ts'
import { type Connection, Connections, mustBeActive } from '../../integrations/connections/connections.ts'
import { findIntegration } from '../../integrations/integration.ts'
import { deadline } from '../../platform/pacing/deadline.ts'
import { Database, databaseNow } from '../../platform/postgres/database.ts'
import { type AnyPlugin, BrokerError } from '../../sdk/index.ts'
import { type Bundle, readBundle } from '../certificates/bundle.ts'
import { readBy } from '../targets/credential.ts'

const PATIENCE_MS = 20_000

type Sources = NonNullable<AnyPlugin['certificateSources']>
type Stored = Extract<CertificateOrigin, { kind: 'stored' }>
type Issued = Extract<CertificateOrigin, { kind: 'issued' }>

/** What the plugin of an integration knows of certificates that come from there. */
@Injectable()
export class Origins {
  constructor(
    private readonly database: Database,
    private readonly connections: Connections,
  ) {}

  /** As it was meant, with what the plugin assumes. Throws what is wrong with it, by its field. */
  async read(typed: CertificateOrigin): Promise<CertificateOrigin> {
    const { sources } = await this.of(typed)
    if (typed.kind === 'stored')
      return { ...typed, place: (await readBy(sources.place, typed.place, 'from.place')) as Stored['place'] }
    return { ...typed, wish: (await readBy(sources.wish, typed.wish, 'from.wish')) as Issued['wish'] }
  }

  async inWords(origin: CertificateOrigin): Promise<string> {
    const { sources, connection } = await this.of(origin)
    const what = origin.kind === 'stored' ? sources.placeInWords(origin.place) : sources.wishInWords(origin.wish)
    return `${connection.integration.name}: ${what}`
  }

  /** The certificate that stands there now. Throws what makes it unfit, by its field. */
  async pull({ integrationId, place }: Stored): Promise<Bundle> {
    const { sources, connection } = await this.of({ integrationId })
    try {
      const found = await sources.read(connection.client, place, deadline(PATIENCE_MS))
      return await this.bundleOf(found.certificatePem, found.chainPem, found.privateKeyPem?.reveal())
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code !== 'input.invalid') throw error
      const field = ['certificate', 'chain', 'privateKey'].includes(error.field ?? '')
        ? 'from.place'
        : `from.place.${error.field}`
      throw new BrokerError('input.invalid', error.message, { field, fix: error.fix, cause: error })
    }
  }

  async bundleOf(certificate: string, chain: string | undefined, privateKey: string | undefined): Promise<Bundle> {
    return readBundle({ certificate, chain, privateKey }, await databaseNow(this.database.pool))
  }

  /** To begin something with; refused while the integration is paused. */
  async of(origin: Pick<CertificateOrigin, 'integrationId'>): Promise<{ sources: Sources; connection: Connection }> {
    const known = await this.known(origin)
    mustBeActive(known.connection)
    return known
  }

  /** To end with what was begun. */
  async known({
    integrationId,
  }: Pick<CertificateOrigin, 'integrationId'>): Promise<{ sources: Sources; connection: Connection }> {
    await findIntegration(this.database.pool, integrationId)
    const connection = await this.connections.use(integrationId)
    const { certificateSources: sources, manifest } = connection.plugin
    if (sources) return { sources, connection }
    throw new BrokerError('input.invalid', `no certificates come from ${manifest.name}`, {
      field: 'from.integrationId',
      fix: 'name an integration of another plugin',
    })
  }
}
