/**
 * What servers that we call may sign with, as an option of TLS. Without it a server whose certificate is on a Brainpool curve ends the
 * whole process: Node 24 dies of reading one (a curve that has no name of NIST's), which it does by itself once the certificate is trusted.
 */
export const TLS_SIGNATURES = [
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ecdsa_secp521r1_sha512',
  'ed25519',
  'ed448',
  ...['rsa_pss_pss', 'rsa_pss_rsae', 'rsa_pkcs1'].flatMap((kind) =>
    ['sha256', 'sha384', 'sha512'].map((hash) => `${kind}_${hash}`),
  ),
].join(':')
