import { type Endpoint, usualStatus } from '../contract/endpoints/endpoint.ts'
import type { Problem } from '../contract/problem.ts'
import type { ProposalView } from '../contract/proposals.ts'
import { BrokerError, type ErrorCode, type Secret } from '../sdk/index.ts'
import { type Answer, type Input, type Item, type ListEndpoint, pathOf } from './typed.ts'

export { BrokerError }

const PATIENCE_MS = 120_000

/** Headers that say who calls, made for each call. */
export type Credential = () => Readonly<Record<string, string>>

export const bearer =
  (token: Secret): Credential =>
  () => ({ authorization: `Bearer ${token.reveal()}` })

/** The change waits for a second person. */
export class ChangeHeld extends BrokerError {
  constructor(readonly proposal: ProposalView) {
    super('conflict', `the change waits for a second person, as ${proposal.id}`, {
      fix: 'ask another admin or owner to accept it under /api/proposals',
    })
  }
}

/** What the broker refused, with every field that it has something against. */
export class ApiRefusal extends BrokerError {
  readonly issues: NonNullable<Problem['issues']>

  constructor({ code, message, fix, field, issues, requestId }: Problem) {
    const others = (issues ?? []).slice(1).map((one) => `${one.field} ${one.message}`)
    super(code as ErrorCode, [message, ...others].join('; '), { fix, field, requestId })
    // Of one field the message begins with its name, where the body did not fit.
    const own = field !== undefined && message.startsWith(`${field} `) ? message.slice(field.length + 1) : message
    this.issues = issues ?? (field === undefined ? [] : [{ field, message: own }])
  }
}

/** The broker's API for one person. Every refusal is a `BrokerError` as the broker worded it. */
export class ApiClient {
  constructor(
    private readonly url: string,
    /** without one only what is for anybody answers */
    private readonly credential: Credential = () => ({}),
  ) {}

  /**
   * Calls an endpoint of the table. Answers what the endpoint usually answers.
   * @throws ChangeHeld when the change waits for a second person instead
   */
  async call<const E extends Endpoint>(endpoint: E, ...inputs: Input<E>): Promise<Answer<E>> {
    const [input] = inputs as [unknown?]
    const { body } = (input ?? {}) as { body?: unknown }
    const { status, answer } = await this.send(endpoint.method, pathOf(endpoint, input), body)
    const usual = usualStatus(endpoint)
    if (status === 202 && usual !== 202 && endpoint.answers[202] !== endpoint.answers[usual ?? 202])
      throw new ChangeHeld(answer as ProposalView)
    return answer as Answer<E>
  }

  /** Every item of a list, page by page. */
  async *each<const E extends ListEndpoint>(endpoint: E, ...inputs: Input<E>): AsyncGenerator<Item<E>> {
    const given = (inputs[0] ?? {}) as { query?: object }
    for (let cursor: string | undefined; ; ) {
      const asked = { ...given, query: { limit: 200, ...given.query, cursor } }
      const { answer } = await this.send(endpoint.method, pathOf(endpoint, asked))
      const { items, next } = answer as { items: Item<E>[]; next: string | null }
      yield* items
      if (next === null) return
      cursor = next
    }
  }

  /** @param path as the API has it, encoded */
  async send(method: string, path: string, body?: unknown): Promise<{ status: number; answer: unknown }> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...this.credential(),
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: 'error', // a token goes to nobody but the broker it is for
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch((cause: unknown) => {
      throw this.noAnswer(cause)
    })
    const text = await response.text().catch((cause: unknown) => {
      throw this.noAnswer(cause)
    })
    const answer = parsed(text)
    if (response.status === 204) return { status: 204, answer: null }
    if (response.ok && answer !== undefined) return { status: response.status, answer }
    throw this.refused(response, answer)
  }

  private refused(response: Response, answer: unknown): BrokerError {
    const problem = answer as Problem | undefined
    if (problem?.code === undefined || problem.message === undefined) {
      return new BrokerError('unavailable', `${this.url} answered ${response.status}, but it does not answer like Latchkey`, {
        fix: 'set LATCHKEY_CLI_URL or --url to the URL of the broker itself',
      })
    }
    return new ApiRefusal(problem)
  }

  private noAnswer(cause: unknown): BrokerError {
    const inner = (cause as { cause?: { code?: string; message?: string } }).cause
    const reason = inner?.code ?? (inner?.message || (cause as Error).message)
    return new BrokerError('unavailable', `the broker at ${this.url} does not answer: ${reason}`, {
      cause,
      fix: 'check that the broker runs, and that LATCHKEY_CLI_URL or --url names its URL',
    })
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
