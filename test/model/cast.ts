import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Api } from '../support/api.ts'
import { ownToken } from '../support/own-token.ts'
import { FLOWS, PEOPLE } from './commands.ts'
import { LAPSE_SECONDS } from './facts.ts'
import type { Place } from './ground.ts'
import type { House } from './house.ts'
import { LONGEST_EXTENSION } from './model.ts'

/** Everybody and everything that a story begins with, made through the front door. */
export interface Cast {
  readonly integrationId: string
  readonly resourceId: string
  readonly flows: readonly string[]
  readonly people: readonly string[]
  /** of each of the people, the one that they use now */
  readonly tokens: string[]
}

const SCOPES = ['read', 'request', 'approve']
let stories = 0

export async function castFor(house: House, { integration, resource }: Place): Promise<Cast> {
  const admin = house.admin()
  stories += 1
  const name = `story ${stories}`
  const { id: integrationId } = await admin.must(admin.post('/api/integrations', { name, skipTest: true, ...integration }))
  await admin.must(admin.post(`/api/integrations/${integrationId}/sync`))
  const people: string[] = []
  for (const person of PEOPLE)
    people.push((await admin.must(admin.post('/api/users', { name: `${person} of ${name}`, roles: ['member'] }))).id)
  const tokens = await Promise.all(people.map((id) => tokenFor(house, id)))
  const askers = await group(admin, `askers of ${name}`, people.slice(0, 5))
  const judges = await group(admin, `judges of ${name}`, people.slice(2, 5))
  const flows: string[] = []
  for (const { name: flow, needed, delivery } of FLOWS) {
    const approval = needed === 0 ? { kind: 'automatic' } : { kind: 'approvers', users: [], groups: [judges], needed }
    const rule = {
      requesters: { kind: 'people', users: [], groups: [askers] },
      resources: [{ paths: ['**'] }],
      permissions: { [resource.type]: [resource.permission] },
      maxSeconds: 7200,
      justification: 'optional',
      approval,
      delivery,
      pendingSeconds: LAPSE_SECONDS,
      extensions: { count: 2, maxSeconds: LONGEST_EXTENSION * 60 },
    }
    flows.push((await admin.must(admin.post('/api/access-flows', { name: `${flow} of ${name}`, integrationId, rule }))).id)
  }
  const resourceId = await waitFor('the resource to be found', async () => {
    const query = `type=${resource.type}&integration=${integrationId}&limit=200`
    const { items } = await admin.must(admin.get(`/api/resources?${query}`))
    return items.find((item: { name: string }) => item.name === resource.name)?.id as string | undefined
  })
  return { integrationId, resourceId, flows, people, tokens }
}

export async function tokenFor(house: House, userId: string): Promise<string> {
  return (await ownToken(house.books, userId, SCOPES)).token
}

async function group(admin: Api, name: string, members: readonly string[]): Promise<string> {
  const { id } = await admin.must(admin.post('/api/groups', { name }))
  for (const member of members) await admin.must(admin.put(`/api/groups/${id}/members/${member}`))
  return id
}
