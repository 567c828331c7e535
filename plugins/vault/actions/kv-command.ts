import { shellWord } from '../shell-word.ts'
import type { KvPlace } from './kv-place.ts'

/** What a person types to see, delete or bring back one version of a secret: `vault kv get -mount=kv -version=3 app/db`. */
export function kvCommand(verb: 'get' | 'delete' | 'undelete' | 'destroy', { mount, path }: KvPlace, version: number): string {
  const flag = verb === 'get' ? 'version' : 'versions'
  return `vault kv ${verb} -mount=${shellWord(mount)} -${flag}=${version} ${shellWord(path)}`
}
