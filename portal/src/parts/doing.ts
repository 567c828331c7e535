import { useRef, useState } from 'react'
import { noteAnswer } from '../data/session.ts'

/** Something that is done at a press. However often one presses, it is done once at a time. */
export function useDoing<Given extends readonly unknown[]>(work: (...given: Given) => Promise<void>) {
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
      },
    )
  }
  return { run, ...state }
}
