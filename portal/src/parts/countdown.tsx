import { useEffect, useState } from 'react'
import type { ToldGrant } from '../data/queries.ts'
import { words } from '../words.ts'
import { leftInWords } from './duration.ts'

/** Counts down from what the broker said was left. What the browser's clock shows means nothing. */
export function Countdown({ grant: { secondsLeft, toldAt } }: { readonly grant: ToldGrant }) {
  const left = useSecondsLeft(secondsLeft, toldAt)
  return (
    <span role="timer" className="lk-timer">
      {left > 0 ? words.timeLeft(leftInWords(left)) : words.over}
    </span>
  )
}

function useSecondsLeft(seconds: number, toldAt: number): number {
  const [now, setNow] = useState(() => performance.now())
  useEffect(() => {
    const beat = setInterval(() => setNow(performance.now()), 1_000)
    return () => clearInterval(beat)
  }, [])
  return seconds - (Math.max(now, toldAt) - toldAt) / 1_000
}
