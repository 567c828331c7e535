import { isBrokerError, type Outlook } from '../../../src/sdk/index.ts'
import type { Send } from '../send.ts'

/** What would be done to put something back: which right, and where. */
export interface Need {
  readonly path: string
  readonly right: 'update' | 'delete'
}

/** The same outlook, unless the broker's own rights were taken since: then there is no way back until they are given again. */
export async function ifAllowed(send: Send, outlook: Outlook, { path, right }: Need): Promise<Outlook> {
  if (!outlook.isPossible || outlook.restores.length === 0) return outlook
  const rights = await rightsOn(send, path)
  if (!rights || rights.includes('root') || rights.includes(right)) return outlook
  const because = `the broker has no right to ${right} ${path} any more: give it to the broker’s policy again`
  return { isPossible: false, because, restores: [] }
}

/** Undefined where the broker may not ask. */
async function rightsOn(send: Send, path: string): Promise<readonly string[] | undefined> {
  try {
    const { data } = await send({ method: 'POST', path: ['sys/capabilities-self'], body: { paths: [path] }, repeatable: true })
    const rights = data[path]
    return Array.isArray(rights) ? rights.map(String) : undefined
  } catch (error) {
    if (isBrokerError(error, 'target.denied')) return undefined
    throw error
  }
}
