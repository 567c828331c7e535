import { Secret } from '../../../src/sdk/index.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { type Bad, plugin } from './bad-plugin.ts'
import { issue, type Sources, sources } from './certified.ts'

const READS = 'reads a certificate with its key where one is kept, and says which field of the place is wrong where none is'
const ISSUES = 'has a certificate issued for a key that it never sees, by an action of its own, and finds it in what that did'

const certifying = (change: Partial<Sources>) => plugin({ certificateSources: { ...sources, ...change } })
const another = makeCertificate({ cn: 'another.example.com' })

/** Plugins whose certificates are not what they say. */
export const BAD_CERTIFICATES: readonly Bad[] = [
  [
    'reads the key of another certificate',
    certifying({ read: async (...given) => ({ ...(await sources.read(...given)), privateKeyPem: new Secret(another.keyPem) }) }),
    READS,
  ],
  [
    'finds a certificate wherever it looks',
    certifying({ read: async () => ({ certificatePem: another.pem, privateKeyPem: new Secret(another.keyPem) }) }),
    READS,
  ],
  [
    'lets errors of its client through where it reads a certificate',
    certifying({
      read: async (client, ...given) => {
        await client.doors()
        return sources.read(client, ...given)
      },
    }),
    READS,
  ],
  ['has no words for a place of certificates', certifying({ placeInWords: () => '' }), READS],
  ['does not say what certificate it would have issued', certifying({ wishInWords: () => 'one' }), ISSUES],
  ['has certificates issued by an action that it has not', certifying({ action: 'certify-nobody' }), ISSUES],
  ['has its own names certified', certifying({ namesOf: () => ({ commonName: 'another.example.com', domains: [] }) }), ISSUES],
  ['finds a certificate before one is issued', certifying({ issuedIn: () => ({ certificatePem: another.pem }) }), ISSUES],
  [
    'issues a certificate for a key of its own',
    plugin({ actions: [{ ...issue, execute: async () => ({ record: { certificatePem: another.pem } }) }] }),
    ISSUES,
  ],
]
