import type { z } from 'zod'
import type { stageView } from '../../contract/approvals.ts'
import type { Asked } from './approvers.ts'

/** The stages with the names of the people in them. */
export function stageViews({ stages, people }: Asked): z.infer<typeof stageView>[] {
  return stages.map((stage) => ({
    parties: stage.parties.map((party) => ({
      needed: party.needed,
      people: [...party.people].flatMap((personId) => {
        const person = people.get(personId)
        return person ? [{ id: person.id, name: person.name, userName: person.userName, email: person.email }] : []
      }),
    })),
    escalatesAfterSeconds: stage.escalatesAfterSeconds,
  }))
}
