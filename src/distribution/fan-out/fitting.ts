import { Injectable } from '@nestjs/common'
import { Catalog } from '../../catalog/catalog.ts'
import type { NewDistribution } from '../../contract/distributions.ts'
import { sorted } from '../../integrations/secrets/destination.ts'
import { Database, type Tx } from '../../platform/postgres/database.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import { BrokerError, type Json } from '../../sdk/index.ts'
import { type Certificate, findCertificate, privateKeyOf, toGo } from '../certificates/certificate.ts'
import { Revocations } from '../certificates/revocations.ts'
import { distributionOf } from '../targets/credential.ts'
import { selectTargets, type Target } from '../targets/target.ts'

/** A certificate and where it is to go, each of which takes it. */
export interface Fit {
  readonly certificate: Certificate
  readonly targets: readonly Target[]
}

/** Whether a certificate fits its targets, and what is written there. */
@Injectable()
export class Fitting {
  constructor(
    private readonly database: Database,
    private readonly catalog: Catalog,
    private readonly sealer: Sealer,
    private readonly revocations: Revocations,
  ) {}

  /** What takes it there. The private key leaves its seal here. */
  actionFor(target: Target, certificate: Certificate): { action: string; input: { readonly [key: string]: unknown } } {
    const { action, inputOf } = distributionOf(this.catalog.get(target.plugin))
    const input = inputOf(target.location, toGo(certificate))
    const key = privateKeyOf(this.sealer, certificate)
    const whole = { ...(input['certificate'] as object), ...(key && { privateKeyPem: key.reveal() }) }
    return { action, input: { ...input, certificate: whole } }
  }

  /** Everything that stands against it at any target, before anything is sent to one. */
  async look(
    { certificateId, targetIds }: Pick<NewDistribution, 'certificateId'> & { readonly targetIds: readonly string[] },
    tx: Tx = this.database.pool,
  ): Promise<Fit> {
    const certificate = await findCertificate(tx, certificateId)
    await this.mustBeOfUse(tx, certificate)
    const found = new Map((await selectTargets(tx, 't.id = any($1)', [targetIds])).map((one) => [one.id, one]))
    const targets = targetIds.map((id, at) => {
      const field = `targetIds.${at}`
      const target = found.get(id)
      if (!target)
        throw new BrokerError('input.invalid', `there is no target ${id}`, { field, fix: 'GET /api/targets lists them' })
      this.mustFit(target, certificate, field)
      return target
    })
    const places = targets.map((target) => this.placeOf(target, certificate))
    const twice = places.findIndex((place, at) => places.indexOf(place) !== at)
    if (twice >= 0) {
      const first = targets[places.indexOf(places[twice]!)]!.name
      throw new BrokerError('input.invalid', `the targets ${targets[twice]!.name} and ${first} lead to the same place`, {
        field: `targetIds.${twice}`,
        fix: 'name only one of them; what is rolled back at one would be rolled back at the other, too',
      })
    }
    return { certificate, targets }
  }

  /** Throws for one that nobody should have any more. */
  async mustBeOfUse(tx: Tx, certificate: Certificate): Promise<void> {
    if (certificate.state === 'expired') {
      throw new BrokerError('input.invalid', `${certificate.name} has expired`, {
        field: 'certificateId',
        fix: 'add the renewed certificate, and distribute that one',
      })
    }
    const { fingerprint, sourceId } = certificate
    const run = (await this.revocations.among(tx, [fingerprint])).get(fingerprint)
    if (run === undefined) return
    throw new BrokerError('input.invalid', `${certificate.name} was revoked, or is about to be`, {
      field: 'certificateId',
      fix: `look at ${run}, and ${sourceId === null ? 'add another certificate' : 'renew it at its source'}`,
    })
  }

  private mustFit(target: Target, certificate: Certificate, field: string): void {
    try {
      this.pathOf(target, certificate)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      throw new BrokerError('input.invalid', `${target.name}: ${error.message}`, { field, fix: error.fix, cause: error })
    }
    const { wantsKey } = distributionOf(this.catalog.get(target.plugin))
    if (certificate.sealed === null && wantsKey(target.location)) {
      throw new BrokerError(
        'input.invalid',
        `the target ${target.name} expects the private key, but ${certificate.name} was added without one`,
        {
          field,
          fix: 'add the certificate with its key, or set includePrivateKey of the target to false',
        },
      )
    }
  }

  private placeOf(target: Target, certificate: Certificate): string {
    return JSON.stringify([this.systemOf(target), this.pathOf(target, certificate)])
  }

  /** Which system a target is at, as it can be compared: who vouches for it is no part of that. */
  systemOf({ plugin: id, location }: Pick<Target, 'plugin' | 'location'>): readonly Json[] {
    const plugin = this.catalog.find(id)
    if (!plugin?.distribution) return [id] // of a plugin that is gone nobody knows more
    const destination = plugin.distribution.destinationOf(location)
    const leading = plugin.livesAt?.system
    return [id, leading ? leading.map((field) => destination[field] ?? null) : sorted(destination)]
  }

  /** Runs call it the same: it is what the action says that it writes. */
  pathOf(target: Target, certificate: Certificate): string {
    return distributionOf(this.catalog.get(target.plugin)).pathOf(target.location, toGo(certificate))
  }
}
