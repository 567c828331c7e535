import { z } from 'zod'
import { type Distributes, secret } from '../../src/sdk/index.ts'
import { type Location, location } from './certificates/location.ts'
import { patternOf, renderPath } from './certificates/path-template.ts'
import { approle, cert, jwt, keyTrouble, targetFields } from './config.ts'

const OPENED_ONCE =
  'cannot be given here: it is opened once, and this login goes to each target that names it; open it (vault unwrap TOKEN, or bao unwrap TOKEN) and give what it holds as secretId'
const isWrapped = (key: string) => key === 'wrappedSecretId'

const credential = z
  .discriminatedUnion('method', [
    z.strictObject(
      { ...approle.omit({ wrappedSecretId: true }).shape, secretId: secret({ title: 'Secret ID' }) },
      { error: (issue) => (issue.code === 'unrecognized_keys' && issue.keys.every(isWrapped) ? OPENED_ONCE : undefined) },
    ),
    jwt,
    cert,
  ])
  .superRefine((login, context) => {
    if (login.method !== 'cert') return
    const trouble = keyTrouble(login.privateKeyPem, login.certificatePem)
    if (trouble) context.addIssue({ code: 'custom', path: ['privateKeyPem'], message: trouble })
  })

const { timeoutSeconds: _, ...reached } = targetFields

/** Certificates, written as KV v2 secrets. */
export const distribution: Distributes<z.infer<typeof credential>, Location> = {
  action: 'distribute-certificate',
  credential,
  credentialGoesTo: ['method', 'mount'],
  destination: z.strictObject(reached),
  location,
  destinationOf: ({ address, namespace, caPem, caFile }) => ({
    address,
    ...(namespace && { namespace }),
    ...(caPem && { caPem }),
    ...(caFile && { caFile }),
  }),
  configOf: (auth, { mount, path, fields: _names, includePrivateKey: _along, ...reach }) => ({
    ...reach,
    auth,
    capabilities: ['distribution'],
    certificatesAt: { mount, ...patternOf(path) },
  }),
  inputOf: ({ mount, path, fields, includePrivateKey }, certificate) => ({ mount, path, fields, includePrivateKey, certificate }),
  wantsKey: ({ includePrivateKey }) => includePrivateKey,
  pathOf: ({ mount, path }, facts) => `${mount}/${renderPath(path, facts)}`,
}
