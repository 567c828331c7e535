import { useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { refusalOf } from '../data/api.ts'
import { noteAnswer } from '../data/session.ts'

/**
 * Something that is done at a press. However often one presses, it is done once at a time. Where it is refused, things are not as the page
 * shows them, because somebody else was quicker or time has passed: everything that is shown is asked for again.
 */
export function useDoing<Given extends readonly unknown[]>(work: (...given: Given) => Promise<void>) {
  const client = useQueryClient()
  const busy = useRef(false)
  const [state, setState] = useState<{ readonly isBusy: boolean; readonly error?: unknown }>({ isBusy: false })
  const run = (...given: Given): void => {
    if (busy.current) return
    busy.current = true
    setState({ isBusy: true })
    work(...given).then(
      () => {
        busy.current = false
        setState({ isBusy: false })
      },
      (error: unknown) => {
        busy.current = false
        noteAnswer(error)
        setState({ isBusy: false, error })
        if (['refused', 'missing'].includes(refusalOf(error).kind)) void client.invalidateQueries()
      },
    )
  }
  return { run, ...state }
}
