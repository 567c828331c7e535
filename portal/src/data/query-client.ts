import { QueryCache, QueryClient } from '@tanstack/react-query'
import { refusalOf } from './api.ts'
import { noteAnswer } from './session.ts'

const PATIENT_TRIES = 3

/** What the daemon refused is not asked again; what it could not answer is, for a daemon that is being restarted. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({ onError: noteAnswer, onSuccess: () => noteAnswer(undefined) }),
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        networkMode: 'always',
        retry: (count, error) => refusalOf(error).kind === 'offline' && count < PATIENT_TRIES,
        retryDelay: (count) => 500 * 2 ** count,
      },
    },
  })
}
