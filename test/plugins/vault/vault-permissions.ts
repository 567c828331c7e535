import { keyNamed, secretAt } from './vault-world.ts'

export type Request = readonly [method: string, path: string, body?: object]

/** What somebody could try around `kv/app/db` and `transit/k1`. */
export const REQUESTS: readonly Request[] = [
  ['GET', 'kv/data/app/db'],
  ['GET', 'kv/data/app/db?version=1'],
  ['POST', 'kv/data/app/db', { data: { a: '2' } }],
  ['DELETE', 'kv/data/app/db'],
  ['POST', 'kv/delete/app/db', { versions: [1] }],
  ['POST', 'kv/undelete/app/db', { versions: [1] }],
  ['POST', 'kv/destroy/app/db', { versions: [99] }],
  ['GET', 'kv/metadata/app/db'],
  ['POST', 'kv/metadata/app/db', { custom_metadata: { a: 'b' } }],
  ['DELETE', 'kv/metadata/app/nothing'],
  ['GET', 'kv/subkeys/app/db'],
  ['GET', 'kv/data/app/dbx'],
  ['GET', 'kv/data/app/db/child'],
  ['GET', 'kv/data/app'],
  ['GET', 'kv/metadata/?list=true'],
  ['GET', 'kv/metadata/app/?list=true'],
  ['GET', 'kv/metadata/app?list=true'],
  ['GET', 'kv/metadata/app/db/?list=true'],
  ['GET', 'kv/metadata/app/deeper/?list=true'],
  ['GET', 'kv/config'],
  ['GET', 'second/data/app/db'],
  ['POST', 'transit/encrypt/k1', { plaintext: 'YQ==' }],
  ['POST', 'transit/decrypt/k1', { ciphertext: 'vault:v1:x' }],
  ['POST', 'transit/rewrap/k1', { ciphertext: 'vault:v1:x' }],
  ['POST', 'transit/sign/k1', { input: 'YQ==' }],
  ['POST', 'transit/sign/k1/sha2-512', { input: 'YQ==' }],
  ['POST', 'transit/verify/k1', { input: 'YQ==', signature: 'vault:v1:x' }],
  ['POST', 'transit/verify/k1/sha2-512', { input: 'YQ==', signature: 'vault:v1:x' }],
  ['POST', 'transit/hmac/k1', { input: 'YQ==' }],
  ['POST', 'transit/hmac/k1/sha2-512', { input: 'YQ==' }],
  ['GET', 'transit/keys/k1'],
  ['GET', 'transit/keys?list=true'],
  ['POST', 'transit/keys/k1/config', { exportable: false }],
  ['POST', 'transit/keys/k1/rotate', {}],
  ['GET', 'transit/export/encryption-key/k1'],
  ['POST', 'transit/datakey/plaintext/k1', {}],
  ['POST', 'transit/encrypt/k2', { plaintext: 'YQ==' }],
  ['POST', 'transit/sign/k2', { input: 'YQ==' }],
  ['POST', 'transit/sign/k2/sha2-512', { input: 'YQ==' }],
  ['GET', 'sys/policies/acl?list=true'],
  ['GET', 'sys/mounts'],
  ['GET', 'auth/apono/users?list=true'],
  ['GET', 'identity/entity/id?list=true'],
  ['POST', 'auth/token/create', {}],
  ['POST', 'auth/token/renew-self', {}],
  ['GET', 'cubbyhole/x'],
  ['GET', 'auth/token/lookup-self'],
]

const ITSELF = 'GET auth/token/lookup-self'
/** Each permission, and which of the requests it lets through. */
export const PERMISSIONS = [
  {
    permission: 'read a secret',
    resource: secretAt('app/db', 'read'),
    allowed: ['GET kv/data/app/db', 'GET kv/data/app/db?version=1'],
  },
  { permission: 'write a secret', resource: secretAt('app/db', 'write'), allowed: ['POST kv/data/app/db'] },
  {
    permission: 'list a folder',
    resource: secretAt('app/db', 'list'),
    allowed: ['GET kv/metadata/app/?list=true', 'GET kv/metadata/app?list=true'],
  },
  { permission: 'read metadata', resource: secretAt('app/db', 'metadata'), allowed: ['GET kv/metadata/app/db'] },
  {
    permission: 'delete versions',
    resource: secretAt('app/db', 'delete'),
    allowed: ['DELETE kv/data/app/db', 'POST kv/delete/app/db'],
  },
  ...['encrypt', 'decrypt', 'rewrap'].map((verb) => ({
    permission: verb,
    resource: keyNamed('k1', verb),
    allowed: [`POST transit/${verb}/k1`],
  })),
  ...['sign', 'verify', 'hmac'].map((verb) => ({
    permission: verb,
    resource: keyNamed('k1', verb),
    allowed: [`POST transit/${verb}/k1`, `POST transit/${verb}/k1/sha2-512`],
  })),
  { permission: 'read a key’s details', resource: keyNamed('k1', 'read'), allowed: ['GET transit/keys/k1'] },
].map((row) => ({ ...row, allowed: [...row.allowed, ITSELF] }))
