import { Agent, fetch } from 'undici'

const LARGEST_ANSWER = 1024 * 1024
const PATIENCE_MS = 5000

/** What a provider may take of us: seconds and a megabyte. */
export class ProviderFetch {
  private readonly agent = new Agent({
    connect: { timeout: PATIENCE_MS },
    headersTimeout: PATIENCE_MS,
    bodyTimeout: PATIENCE_MS,
    maxResponseSize: LARGEST_ANSWER,
    allowH2: false,
  })

  // openid-client and jose pass options of the platform's fetch; undici's own has the same and takes an agent.
  readonly fetch = ((url: string, options: object) =>
    fetch(url, {
      ...options,
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
      dispatcher: this.agent,
    })) as unknown as (url: string, options: object) => Promise<Response>

  close(): Promise<void> {
    return this.agent.destroy()
  }
}
