import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { ChangeHeld } from '../../../../src/api-client/api-client.ts'
import { integrations } from '../../../../src/contract/endpoints/integrations.ts'
import { api } from '../../data/api.ts'
import { setupKeys } from '../../data/setup.ts'

type Wanted = Parameters<typeof api.call<typeof integrations.create>>[1]['body']

/** Connects, and goes to what came of it: the integration, or the change that waits for a second person. */
export function useConnecting(): (wanted: Wanted, forget: () => void) => Promise<void> {
  const client = useQueryClient()
  const navigate = useNavigate()
  return async (wanted, forget) => {
    const made = await api.call(integrations.create, { body: wanted }).catch((error: unknown) => {
      if (error instanceof ChangeHeld) return error.proposal
      throw error
    })
    forget()
    await client.invalidateQueries({ queryKey: setupKeys.integrations })
    if ('proposer' in made) {
      await client.invalidateQueries({ queryKey: setupKeys.proposals })
      await navigate({ to: '/proposals/$id', params: { id: made.id }, replace: true })
    } else {
      await navigate({ to: '/integrations/$id', params: { id: made.id }, replace: true })
    }
  }
}
