import type { Api } from './api.ts'

const EVERY_DAY = ['read', 'request', 'approve', 'manage']

/** A token of somebody's in the hands of the caller: their own, or one redeemed for a code that they made for somebody else. */
export async function puppetToken(api: Api, who?: { readonly id: string }): Promise<string> {
  const me = await api.must(api.get('/api/me'))
  if (who === undefined || who.id === me.id) {
    const wish = { name: 'hand', scopes: EVERY_DAY.filter((scope) => me.scopes.includes(scope)), expiresInSeconds: 600 }
    return (await api.must(api.post('/api/tokens', wish))).token
  }
  const { code } = await api.must(api.post(`/api/users/${who.id}/enrolment-code`, {}))
  return (await api.must(api.post('/api/enrolments', { code }))).token
}
