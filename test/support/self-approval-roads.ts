import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Makers } from './matrix-makers.ts'
import { type MatrixWorld, peopleOf, type Somebody, stage, unique } from './matrix-world.ts'

/** Who takes part in a story of people who would decide on their own request. */
export interface Stage {
  readonly world: MatrixWorld
  readonly make: Makers
  /** has every role and every scope, and still approves nothing of their own */
  readonly self: Somebody
  readonly other: Somebody
  group(...members: Somebody[]): Promise<string>
  /** the flow's approvers, by name */
  named(): object
}

const groups = (...ids: string[]) => ({ kind: 'people', users: [], groups: ids })

/** How people might come to decide on their own request: each makes one, and answers its id. */
export const ROADS: Record<string, (at: Stage) => Promise<string>> = {
  'named themselves': async ({ make, named, self, world }) => (await make.request(self, await world.flow(named()))).id,
  'through a group': async ({ group, make, other, self, world }) => {
    const flow = await world.flow({ kind: 'approvers', users: [], groups: [await group(self, other)] })
    return (await make.request(self, flow)).id
  },
  'through two groups and their name': async ({ group, make, other, self, world }) => {
    const ids = [await group(self), await group(self, other)]
    return (await make.request(self, await world.flow({ kind: 'approvers', users: [self.id], groups: ids }))).id
  },
  'in a group they were put into after asking': async ({ group, make, other, self, world }) => {
    const id = await group(other)
    const request = await make.request(self, await world.flow({ kind: 'approvers', users: [], groups: [id] }))
    await world.admin.must(world.admin.put(`/api/groups/${id}/members/${self.id}`))
    return request.id
  },
  'by their system roles': async ({ make, other, self, world }) => {
    return (await make.request(self, await world.flow({ kind: 'approvers', ...peopleOf(other) }))).id
  },
  'in a group with the role of approvers': async ({ group, make, other, self, world }) => {
    const id = await group(self)
    await world.admin.must(world.admin.put(`/api/role-groups/approver/${id}`))
    return (
      await make.request(
        self,
        await world.flow({ kind: 'stages', stages: [{ approvers: [groups(id), stage(other).approvers[0]] }] }),
      )
    ).id
  },
  'as their own manager': async ({ make, other, self, world }) => {
    await world.query('update users set manager_id = id where id = $1', [self.id])
    const approvers = [{ kind: 'manager' }, { kind: 'people', ...peopleOf(other) }]
    return (await make.request(self, await world.flow({ kind: 'stages', stages: [{ approvers }] }))).id
  },
  'as the owner of the integration': async ({ make, other, self, world }) => {
    await make.owners(self, other)
    const flow = await world.flow({ kind: 'stages', stages: [{ approvers: [{ kind: 'integration_owner' }] }] })
    return (await make.request(self, flow)).id
  },
  'as the owner that the resource’s tag names': async ({ make, other, self, world }) => {
    const owners = { owners: peopleOf(other), resourceOwner: { tagKey: 'owner', attribute: 'email' } }
    const email = `${unique('self').replace(' ', '.')}@example.com`
    await self.api.must(self.api.patch(`/api/users/${self.id}`, { email }))
    await self.api.must(self.api.put(`/api/integrations/${world.integrationId}/ownership`, owners))
    await world.query('update resources set tags = $2 where id = $1', [world.resourceId, JSON.stringify({ owner: email })])
    const approvers = [{ kind: 'resource_owner' }, { kind: 'people', ...peopleOf(other) }]
    return (await make.request(self, await world.flow({ kind: 'stages', stages: [{ approvers }] }))).id
  },
  'after the delay of an escalation to them': async ({ make, other, self, world }) => {
    const escalation = { afterSeconds: 3600, approvers: [{ kind: 'people', ...peopleOf(self) }] }
    const flow = await world.flow({ kind: 'stages', stages: [{ ...stage(other), escalation }] })
    const { id } = await make.request(self, flow)
    await world.query(`update due_work set run_at = now() where kind = 'request.escalate' and subject = $1`, [id])
    await waitFor('the escalation', async () => {
      return (await world.query('select 1 from access_requests where id = $1 and escalated', [id])).length === 1
    })
    return id
  },
  'by changing the flow after asking': async ({ make, other, self, world }) => {
    const flow = await world.flow({ kind: 'approvers', ...peopleOf(other) })
    const { id } = await make.request(self, flow)
    const { rule } = await self.api.must(self.api.get(`/api/access-flows/${flow}`))
    for (const approval of [{ kind: 'automatic' }, { kind: 'approvers', ...peopleOf(self) }]) {
      await self.api.must(self.api.patch(`/api/access-flows/${flow}`, { rule: { ...rule, approval } }))
    }
    return id
  },
  'of a bundle': async ({ make, named, self, world }) => {
    const bundleId = await make.bundle()
    const flow = await world.flow(named())
    return (await make.request(self, flow, { bundleId, resources: undefined })).id
  },
  'for more time': async ({ make, named, other, self, world }) => {
    const flow = await world.flow(named())
    const first = await make.request(self, flow)
    const { grantId } = await make.decide(other, first.id, 'approve')
    await waitFor('the grant', async () => (await self.api.get(`/api/grants/${grantId}`)).body.state === 'active')
    return (await self.api.must(self.api.post(`/api/grants/${grantId}/extend`, { seconds: 60 }))).id
  },
}
