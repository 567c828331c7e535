import { z } from 'zod'
import { BrokerError, type CertificateSources, Secret } from '../../../src/sdk/index.ts'
import { type KvPlace, nameOf } from '../actions/kv-place.ts'
import { type Fields, readVersion } from '../actions/kv-version.ts'
import { slashless } from '../config.ts'
import type { VaultConnection } from '../connection.ts'
import { firsthand, sending } from '../send.ts'
import { issueCertificate, issuedIn, wishFields } from './issue-certificate.ts'

const field = (preset: string, title: string) => z.string().min(1).max(512).default(preset).meta({ title })

const place = z.strictObject({
  mount: slashless('KV mount', 'path of the KV v2 engine').prefault('secret'),
  path: slashless('Secret', 'its path below the mount'),
  fields: z
    .strictObject({
      certificate: field('certificate', 'The certificate itself'),
      privateKey: field('private_key', 'Its private key'),
      chain: field('chain', 'Its issuers; the field may be absent'),
    })
    .prefault({})
    .meta({ title: 'Field names' }),
})
type Place = z.infer<typeof place>

const wish = z.strictObject(wishFields)
type Wish = z.infer<typeof wish>

/** Certificates that stand in a KV v2 secret, or that a PKI role issues. */
export const certificateSources: CertificateSources<VaultConnection, Place, Wish> = {
  place,
  placeInWords: nameOf,
  wish,
  wishInWords: ({ mount, role, commonName }) => `${commonName}, by the role ${role} of ${mount}`,
  namesOf: ({ commonName, domains }) => ({ commonName, domains }),
  action: issueCertificate.name,
  inputOf: ({ ttlSeconds, ...wished }, csr) => ({ ...wished, csr, ...(ttlSeconds !== undefined && { ttlSeconds }) }),
  issuedIn,

  async read(client, { fields: names, ...at }, signal) {
    mustBeNamed(client, at)
    const found = await readVersion(firsthand(sending(client, signal, 'provisioning')), at)
    if (found.is !== 'live') {
      const what = found.is === 'absent' ? 'there is no secret' : `the current version is ${found.is}:`
      throw new BrokerError('input.invalid', `${what} ${nameOf(at)}`, {
        field: 'path',
        fix: 'correct the path, or put a certificate there',
      })
    }
    const certificatePem = textIn(found.fields, names.certificate, at)
    if (certificatePem === undefined) {
      throw new BrokerError('input.invalid', `${nameOf(at)} has no field ${JSON.stringify(names.certificate)}`, {
        field: 'fields.certificate',
        fix: `name a field that is there: ${Object.keys(found.fields).join(', ') || 'it has none'}`,
      })
    }
    const [chainPem, key] = [textIn(found.fields, names.chain, at), textIn(found.fields, names.privateKey, at)]
    return { certificatePem, ...(chainPem && { chainPem }), ...(key && { privateKeyPem: new Secret(key) }) }
  },
}

function mustBeNamed({ settings }: VaultConnection, at: KvPlace): void {
  if (settings.certificatePaths.some(({ mount, path }) => mount === at.mount && path === at.path)) return
  throw new BrokerError('input.invalid', `${nameOf(at)} is not a secret that this integration may read certificates from`, {
    field: 'path',
    fix: 'add it to the integration’s `certificatePaths` with the capability read-certificates, and to the broker’s policy',
  })
}

/** What is there and is no text is no part of a certificate. Its value is in no message. */
function textIn(fields: Fields, name: string, at: KvPlace): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined
  throw new BrokerError('input.invalid', `the field ${JSON.stringify(name)} of ${nameOf(at)} is not text`, {
    field: 'fields',
    fix: 'name the field that holds PEM',
  })
}
