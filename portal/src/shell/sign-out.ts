import type { SignedOut } from '../../../src/contract/identity.ts'
import { api } from '../data/api.ts'
import { forgetDrafts } from '../parts/draft.ts'

/** Here, and then at the provider, if it has a way out. */
export async function signOut(): Promise<void> {
  const { answer } = await api.send('POST', '/auth/logout')
  forgetDrafts()
  window.location.assign((answer as SignedOut).url ?? '/')
}
