import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Api } from '../support/api.ts'
import { ownToken } from '../support/own-token.ts'
import { FLOWS, PEOPLE } from './commands.ts'
import { LAPSE_SECONDS } from './facts.ts'
import type { Place } from './ground.ts'
import type { House } from './house.ts'
import { LONGEST_EXTENSION, MOST_EXTENSIONS } from './model.ts'

/** Everybody and everything that a story begins with, made through the front door. */
export interface Cast {
  /** of the integration */
  readonly name: string
  readonly groups: { readonly askers: string; readonly judges: string }
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
  const people = await Promise.all(
    PEOPLE.map(async (person) => {
      const { id } = await admin.must(admin.post('/api/users', { name: `${person} of ${name}`, roles: ['member'] }))
      return id as string
    }),
  )
  const [askers, judges, ...tokens] = await Promise.all([
    group(admin, `askers of ${name}`, people.slice(0, 5)),
    group(admin, `judges of ${name}`, people.slice(2, 5)),
    ...people.map((id) => tokenFor(house, id)),
  ])
  const flows = await Promise.all(
    FLOWS.map(async ({ name: flow, needed, delivery }) => {
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
        extensions: { count: MOST_EXTENSIONS, maxSeconds: LONGEST_EXTENSION * 60 },
      }
      const made = { name: `${flow} of ${name}`, integrationId, rule }
      return (await admin.must(admin.post('/api/access-flows', made))).id as string
    }),
  )
  const resourceId = await waitFor('the resource to be found', async () => {
    const query = `type=${resource.type}&integration=${integrationId}&limit=200`
    const { items } = await admin.must(admin.get(`/api/resources?${query}`))
    return items.find((item: { name: string }) => item.name === resource.name)?.id as string | undefined
  })
  return { name, groups: { askers, judges }, integrationId, resourceId, flows, people, tokens }
}

export async function tokenFor(house: House, userId: string): Promise<string> {
  return (await ownToken(house.books, userId, SCOPES)).token
}

async function group(admin: Api, name: string, members: readonly string[]): Promise<string> {
  const { id } = await admin.must(admin.post('/api/groups', { name }))
  await Promise.all(members.map((member) => admin.must(admin.put(`/api/groups/${id}/members/${member}`))))
  return id
}
