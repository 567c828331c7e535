import { Agent, EnvHttpProxyAgent, fetch } from 'undici'
import { TLS_SIGNATURES } from '../../platform/http/tls-signatures.ts'

const LARGEST_ANSWER = 1024 * 1024
const PATIENCE_MS = 5000

/** What a provider may take of us: seconds and a megabyte. It is reached through the company's proxy where the environment names one. */
export class ProviderFetch {
  private readonly agent = agentOf({
    connect: { timeout: PATIENCE_MS, sigalgs: TLS_SIGNATURES },
    requestTls: { sigalgs: TLS_SIGNATURES },
    proxyTls: { sigalgs: TLS_SIGNATURES },
    headersTimeout: PATIENCE_MS,
    bodyTimeout: PATIENCE_MS,
    maxResponseSize: LARGEST_ANSWER,
    allowH2: false,
  })

  /** @param onTrouble told when an endpoint is not where it was */
  constructor(private readonly onTrouble: (url: string) => void = () => {}) {}

  // openid-client and jose pass options of the platform's fetch; undici's own has the same and takes an agent.
  readonly fetch = (async (url: string, options: object) => {
    try {
      const response = await fetch(url, {
        ...options,
        redirect: 'manual',
        signal: AbortSignal.timeout(PATIENCE_MS),
        dispatcher: this.agent,
      })
      if (response.status >= 500 || [301, 302, 307, 308, 404, 405, 410].includes(response.status)) this.onTrouble(url)
      return response
    } catch (error) {
      this.onTrouble(url)
      throw error
    }
  }) as unknown as (url: string, options: object) => Promise<Response>

  close(): Promise<void> {
    return this.agent.destroy()
  }
}

function agentOf(options: EnvHttpProxyAgent.Options): Agent | EnvHttpProxyAgent {
  const { HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy } = process.env
  return HTTPS_PROXY || https_proxy || HTTP_PROXY || http_proxy ? new EnvHttpProxyAgent(options) : new Agent(options)
}
