import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { ChangeHeld } from '../../../../src/api-client/api-client.ts'
import type { FlowView } from '../../../../src/contract/flows.ts'
import { flow, flowKeys } from '../../data/flows.ts'
import { setupKeys } from '../../data/setup.ts'

/** Saves, and goes to what came of it: the flow, or the change that waits for a second person. */
export function useSaving(): (saved: Promise<FlowView>, forget: () => void) => Promise<void> {
  const client = useQueryClient()
  const navigate = useNavigate()
  return async (saved, forget) => {
    const made = await saved.catch((error: unknown) => {
      if (error instanceof ChangeHeld) return error.proposal
      throw error
    })
    forget()
    if ('proposer' in made) {
      await client.invalidateQueries({ queryKey: setupKeys.proposals })
      await navigate({ to: '/proposals/$id', params: { id: made.id }, replace: true })
      return
    }
    client.setQueryData(flow(made.id).queryKey, made)
    await navigate({ to: '/access-flows/$id', params: { id: made.id }, replace: true })
    await client.invalidateQueries({ queryKey: flowKeys.flows })
  }
}
