import type { ResourceType } from '../../src/sdk/index.ts'

const KV_PERMISSIONS = [
  { id: 'read', title: 'Read', description: 'Reads the secret, in every version that is kept.' },
  { id: 'write', title: 'Write', description: 'Stores new versions of the secret, whole or changed in part. Does not read it.' },
  { id: 'list', title: 'List its folder', description: 'Sees the names beside the secret, and none of their values.' },
  {
    id: 'metadata',
    title: 'Read metadata',
    description: 'Sees the versions of the secret, their times and its tags, and no value.',
  },
  {
    id: 'delete',
    title: 'Delete versions',
    description: 'Deletes versions of the secret. They can be brought back until somebody destroys them.',
  },
] as const

const TRANSIT_PERMISSIONS = [
  { id: 'encrypt', title: 'Encrypt', description: 'Encrypts with the key. Creates no key.' },
  { id: 'decrypt', title: 'Decrypt', description: 'Decrypts what was encrypted with the key.' },
  { id: 'sign', title: 'Sign', description: 'Signs with the key.' },
  { id: 'verify', title: 'Verify', description: 'Verifies signatures and HMACs made with the key.' },
  { id: 'hmac', title: 'HMAC', description: 'Computes HMACs with the key.' },
  {
    id: 'rewrap',
    title: 'Rewrap',
    description: 'Encrypts again, with the newest version of the key, without seeing the clear text.',
  },
  {
    id: 'read',
    title: 'Read details',
    description: 'Sees type, versions and settings of the key, and public halves, never the key itself.',
  },
] as const

export type KvPermission = (typeof KV_PERMISSIONS)[number]['id']
export type TransitPermission = (typeof TRANSIT_PERMISSIONS)[number]['id']

export const KV_SECRET = 'vault-kv-secret'
export const TRANSIT_KEY = 'vault-transit-key'

// Destroy, purge, undelete, export, configure and rotate are absent: no expiry takes their effect back.
export const resourceTypes: readonly ResourceType[] = [
  { id: KV_SECRET, title: 'KV secret', permissions: KV_PERMISSIONS },
  { id: TRANSIT_KEY, title: 'Transit key', permissions: TRANSIT_PERMISSIONS },
]
