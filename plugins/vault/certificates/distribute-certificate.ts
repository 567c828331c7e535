import { z } from 'zod'
import {
  type Action,
  type Journaled,
  type Json,
  type Outlook,
  parseJson,
  type Reversible,
  Secret,
  type Step,
  secret,
} from '../../../src/sdk/index.ts'
import { keptVersions, onlyOneKept, restorable } from '../actions/kv-kept.ts'
import { concernsOf, type KvPlace, mustKeepVersions, nameOf } from '../actions/kv-place.ts'
import { keptIn } from '../actions/kv-record.ts'
import { type Standing, standingOf, type Writing } from '../actions/kv-standing.ts'
import { type Fields, getVersion, type KvVersion, readVersion } from '../actions/kv-version.ts'
import { earlierOutlook, handOf, writeOver } from '../actions/kv-writing.ts'
import { noWayBack } from '../actions/outlooks.ts'
import { ifAllowed } from '../actions/rights-back.ts'
import { writtenAndUndone } from '../actions/written-action.ts'
import type { VaultClient } from '../client.ts'
import { slashless } from '../config.ts'
import { evidenceOf, lookOf } from '../evidence.ts'
import { type Send, sendingFor } from '../send.ts'
import {
  type CertificateMark,
  differsFrom,
  documentOf,
  fingerprintOf,
  fingerprintsIn,
  shownCertificate,
} from './certificate-document.ts'
import { fieldNames } from './location.ts'
import { renderPath, templateFlaw } from './path-template.ts'

const pem = (title: string) => secret({ title, maxLength: 1_000_000 })

const Input = z.strictObject({
  mount: slashless('KV mount', 'path of the KV v2 engine'),
  path: z
    .string()
    .refine((template) => !templateFlaw(template), 'is not a path template')
    .meta({ title: 'Path template', description: 'for example `certs/{{ .cn }}`' }),
  fields: fieldNames,
  includePrivateKey: z.boolean(),
  certificate: z.strictObject({
    cn: z.string().optional(),
    domains: z.array(z.string()),
    fingerprint: z.string(),
    serial: z.string(),
    variables: z.record(z.string(), z.string()),
    // Sealed with the key, which keeps the trail short: the fingerprint says which certificate it is.
    certificatePem: pem('Certificate'),
    chainPem: pem('Issuers').optional(),
    privateKeyPem: pem('Private key').optional(),
  }),
})
type Input = z.infer<typeof Input>

interface CertificateStep extends Step {
  readonly kind: 'certificate'
  readonly args: Pick<KvPlace, 'mount' | 'path'> & {
    readonly version: number
    readonly createdAt: string | null
    readonly hadValue: boolean
  } & CertificateMark
}

/** With fewer versions than this a few writes take the way back away. */
const FEW_VERSIONS = 4

/** A certificate with its chain, and its private key where it is wanted, as a new version of one secret. */
export const distributeCertificate: Action<VaultClient, Input, CertificateStep> & Reversible<VaultClient, CertificateStep> = {
  name: 'distribute-certificate',
  title: 'Distribute a certificate',
  description: 'A new version of the secret at the target holds the certificate and its chain, and nothing else.',
  severity: 'medium',
  input: Input,
  weigh: ({ includePrivateKey, certificate }) =>
    includePrivateKey && certificate.privateKeyPem
      ? { because: ['The private key goes along.'] }
      : { severity: 'low', because: ['The certificate and its chain go without the private key.'] },
  concerns: (input) => concernsOf(placeOf(input)),
  writes: (input) => [nameOf(placeOf(input))],

  async plan(ctx, input) {
    const send = sendingFor(ctx, 'provisioning')
    const place = placeOf(input)
    await mustKeepVersions(send, ctx.client, place.mount)
    const [current, kept] = await Promise.all([readVersion(send, place), keptVersions(send, place)])
    const version = current.is === 'absent' ? 0 : current.version
    const { privateKeyPem } = input.certificate
    const certificatePem = input.certificate.certificatePem.reveal()
    const chainPem = input.certificate.chainPem?.reveal() ?? ''
    const withKey = input.includePrivateKey && privateKeyPem !== undefined
    const parts = { certificatePem, chainPem, ...(withKey && { privateKeyPem: privateKeyPem.reveal() }) }
    const doubts = [
      ...doubtsOf(input, current),
      ...(kept.atMost < FEW_VERSIONS && current.is === 'live'
        ? [
            `The server keeps ${kept.atMost} version(s) of it: ${kept.atMost === 1 ? 'nothing can be restored' : `after ${kept.atMost - 1} more write(s) the former value is gone`}.`,
          ]
        : []),
    ]
    return [
      {
        kind: 'certificate',
        target: `${place.mount}/data/${place.path}`,
        summary: [
          `Writes version ${version + 1} of ${nameOf(place)}: the certificate and its chain, ${withKey ? 'with' : 'without'} the private key.`,
          ...doubts,
        ].join(' '),
        args: {
          ...place,
          version,
          createdAt: current.is === 'absent' ? null : current.createdAt,
          hadValue: current.is === 'live',
          fields: input.fields,
          fingerprint: fingerprintOf(certificatePem),
          chain: fingerprintsIn(chainPem) ?? [],
          hasPrivateKey: withKey,
        },
        before: beforeOf(current, input),
        sealed: new Secret(JSON.stringify(documentOf(input.fields, parts))),
      },
    ]
  },

  async wayBack(ctx, input) {
    const send = sendingFor(ctx, 'provisioning')
    const place = placeOf(input)
    const [current, kept] = await Promise.all([readVersion(send, place), keptVersions(send, place)])
    const name = nameOf(place)
    // Where there is no value, the way back is to delete what was written.
    if (current.is !== 'live') return { isPossible: true, restores: [] }
    if (kept.atMost === 1) return { isPossible: false, because: onlyOneKept(name, current.version), restores: [] }
    const restores = [{ target: `${place.mount}/data/${place.path}`, summary: restorable(name, current.version) }]
    return { isPossible: true, ...(current.deletedAt && { until: current.deletedAt }), restores }
  },

  async execute(ctx, step) {
    if (!step.sealed) throw new TypeError('the document is sealed in the step')
    const document = parseJson(step.sealed.reveal()) as Fields
    return { record: await writeOver(handOf(ctx, 'provisioning'), writingOf(step, step.record), () => document) }
  },

  ...writtenAndUndone({ writingOf, evidenceFor, outlookOf }),
}

async function outlookOf(send: Send, step: Journaled<CertificateStep>): Promise<Outlook> {
  const writing = writingOf(step, step.record)
  const { place, from, hadValue } = writing
  const standing = await standingOf(send, writing)
  if (standing.is === 'changed') return noWayBack(standing)
  if (standing.is !== 'written' && standing.is !== 'spoiled')
    return { isPossible: true, because: `${nameOf(place)} holds what it held before`, restores: [] }
  if (!hadValue) {
    const summary = `Version ${from + 1} of ${nameOf(place)} is deleted, because there was no value before it.`
    const outlook = { isPossible: true, restores: [{ target: step.target, summary }] }
    return ifAllowed(send, outlook, { path: `${place.mount}/delete/${place.path}`, right: 'update' })
  }
  const outlook = await earlierOutlook(send, writing)
  return ifAllowed(send, outlook, { path: `${place.mount}/data/${place.path}`, right: 'update' })
}

function placeOf({ mount, path, certificate }: Input): KvPlace {
  return { mount, path: renderPath(path, certificate) }
}

function writingOf({ args }: CertificateStep, record?: Json): Writing {
  const { mount, path, version, createdAt, hadValue, ...mark } = args
  return {
    place: { mount, path },
    from: version,
    fromAt: createdAt,
    hadValue,
    ...keptIn(record),
    differs: (fields) => differsFrom(mark, fields),
    certificateIn: (fields) => shownCertificate(fields[mark.fields.certificate]),
  }
}

/** What people may see of what stands there: names of fields, and the certificate, which is no secret. */
function beforeOf(current: KvVersion, { fields }: Input): Json {
  if (current.is === 'absent') return { version: 0 }
  if (current.is !== 'live') return { version: current.version, is: current.is }
  const certificate = shownCertificate(current.fields[fields.certificate])
  return { version: current.version, fields: Object.keys(current.fields), ...(certificate && { certificate }) }
}

/** What a person should know before it is done. */
function doubtsOf(input: Input, current: KvVersion): string[] {
  if (current.is !== 'live') return []
  const { includePrivateKey, fields, certificate } = input
  const staying = [fields.certificate, fields.chain, fields.fullchain]
  if (includePrivateKey && certificate.privateKeyPem) staying.push(fields.privateKey)
  const gone = Object.keys(current.fields).filter((name) => !staying.includes(name))
  if (gone.length === 0) return []
  return [`Fields that are there now and will not be in the new version: ${gone.join(', ')}.`]
}

function evidenceFor(step: CertificateStep, standing: Standing, holds: boolean) {
  return evidenceOf(`secret ${nameOf(step.args)}`, holds, lookOf(getVersion(step.args), standing.answer, inWords(step, standing)))
}

function inWords({ args }: CertificateStep, standing: Standing): string {
  const { status } = standing.answer
  switch (standing.is) {
    case 'untouched':
      return `${status}, nothing of this run is there`
    case 'written':
      return `${status}, version ${args.version + 1} is the current one and holds the certificate ${args.fingerprint}`
    case 'restored':
      if (!standing.isDeleted)
        return `${status}, version ${standing.version} is the current one and holds what version ${args.version} held`
      return `${status}, version ${standing.version} is deleted, ${args.hadValue ? `as version ${args.version} was before it` : 'and there was none before'}`
    case 'spoiled':
    case 'changed':
      return `${status}, ${standing.because}`
  }
}
