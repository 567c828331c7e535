import { createPublicKey } from 'node:crypto'
import forge from 'node-forge'
import { z } from 'zod'
import type { Building } from '../../../docs/examples/badges/building.ts'
import {
  type Action,
  BrokerError,
  type CertificateSources,
  type FoundCertificate,
  type Irreversible,
  Secret,
  type Step,
} from '../../../src/sdk/index.ts'
import { makeCertificate } from '../../support/certificates.ts'

const place = z.strictObject({ door: z.string().min(1) })
const wish = z.strictObject({ reader: z.string().min(1) })
const input = wish.extend({ csr: z.string() })

export type Sources = CertificateSources<Building, z.infer<typeof place>, z.infer<typeof wish>>
type Issue = Action<Building, z.infer<typeof input>, Step> & Irreversible

/** A building that keeps a certificate at each door, and issues others for its readers. */
const kept = makeCertificate({ cn: 'door.example.com' })

export const issue: Issue = {
  name: 'certify-reader',
  title: 'Certify a reader',
  input,
  irreversible: 'a certificate ends by itself',
  async plan(_ctx, { reader, csr }) {
    return [{ kind: 'certify', target: reader, summary: `Certifies ${reader}.`, args: { reader, csr } }]
  },
  async execute({ stillMine }, { args }) {
    stillMine()
    const { reader, csr } = args as z.infer<typeof input>
    const publicKey = createPublicKey(forge.pki.publicKeyToPem(forge.pki.certificationRequestFromPem(csr).publicKey!))
    return { record: { certificatePem: makeCertificate({ cn: reader, publicKey }).pem } }
  },
}

export const sources: Sources = {
  place,
  placeInWords: ({ door }) => `the door ${door}`,
  async read(client, { door }) {
    const doors = await client.doors().catch((error: Error) => {
      throw new BrokerError('target.failed', error.message, { cause: error })
    })
    if (doors.includes(door)) return { certificatePem: kept.pem, privateKeyPem: new Secret(kept.keyPem) }
    throw new BrokerError('input.invalid', `there is no door ${door}`, { field: 'door', fix: 'name a door that is there' })
  },
  wish,
  wishInWords: ({ reader }) => `one for ${reader}`,
  namesOf: ({ reader }) => ({ commonName: reader, domains: [] }),
  action: issue.name,
  inputOf: (wished, csr) => ({ ...wished, csr }),
  issuedIn: (steps) => steps.find(({ record }) => record !== undefined)?.record as FoundCertificate | undefined,
}
