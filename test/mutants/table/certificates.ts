import type { Mutant } from '../mutant.ts'

export const CERTIFICATES: readonly Mutant[] = [
  {
    bug: 'a certificate whose answer was lost is issued a second time',
    file: 'plugins/vault/certificates/issue-certificate.ts',
    find: 'ctx.again ? (await issuedFor(send, mount, publicKey)).found[0] : undefined',
    replace: 'ctx.again ? undefined : undefined',
    suites: ['issue-certificate'],
    only: 'is found where its answer was lost',
  },
  {
    bug: 'a certificate whose answer was lost is not revoked',
    file: 'plugins/vault/certificates/issue-certificate.ts',
    find: 'new Set(known === undefined ? found : [known, ...found])',
    replace: 'new Set(known === undefined || found.length === 0 ? [] : [known])',
    suites: ['issue-certificate'],
    only: 'is revoked where its answer was lost',
  },
  {
    bug: 'a role that keeps nothing of what it issues is taken',
    file: 'plugins/vault/certificates/issue-certificate.ts',
    find: `answer.data['no_store'] === true ? 'no_store'`,
    replace: `answer.data['no_store'] === 'so' ? 'no_store'`,
    suites: ['certificate-sources'],
    only: 'a role that keeps nothing',
  },
  {
    bug: 'a certificate that was revoked is distributed all the same',
    file: 'src/distribution/fan-out/distributions.service.ts',
    find: `certificate.run !== null && certificate.run !== 'executed'`,
    replace: `certificate.run === 'failed'`,
    suites: ['certificate-sources'],
    only: 'are issued for a key that the server never sees',
  },
  {
    bug: 'a PKCS#12 file may ask for work without end',
    file: 'src/distribution/certificates/pkcs12-encryption.ts',
    find: 'if (this.rounds > MOST_ROUNDS)',
    replace: 'if (this.rounds < 0)',
    suites: ['pkcs12'],
    only: 'rounds without end',
  },
]
