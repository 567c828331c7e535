import { ApiClient } from '../../src/api-client/api-client.ts'
import type { Input } from '../../src/api-client/typed.ts'
import type { Endpoint } from '../../src/contract/endpoints/endpoint.ts'
import { type BrokerError, isBrokerError } from '../../src/sdk/index.ts'

/** The broker's API for one person of the demo. */
export class DemoApi extends ApiClient {
  /** For a call that ought to be refused: why it was; undefined when the broker did it. */
  async refusal<const E extends Endpoint>(endpoint: E, ...input: Input<E>): Promise<BrokerError | undefined> {
    try {
      await this.call(endpoint, ...input)
      return undefined
    } catch (error) {
      if (isBrokerError(error)) return error
      throw error
    }
  }
}
