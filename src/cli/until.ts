const PAUSE_MS = 1000

/** Asks again and again until the answer is the one waited for. */
export async function until<Answer>(ask: () => Promise<Answer>, isIt: (answer: Answer) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await ask()
    if (isIt(answer)) return answer
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
