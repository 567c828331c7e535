import type { Answer, Api, Extras } from './api.ts'
import type { Broker } from './broker.ts'

export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'

/** Calls as the identity provider does. */
export class ScimApi {
  constructor(private readonly api: Api) {}

  get(path: string): Promise<Answer> {
    return this.send('GET', path)
  }

  post(path: string, body: unknown, extras?: Extras): Promise<Answer> {
    return this.send('POST', path, body, extras)
  }

  put(path: string, body: unknown): Promise<Answer> {
    return this.send('PUT', path, body)
  }

  patch(path: string, ...operations: unknown[]): Promise<Answer> {
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp']
    return this.send('PATCH', path, { schemas, Operations: operations })
  }

  delete(path: string): Promise<Answer> {
    return this.send('DELETE', path)
  }

  find(kind: 'Users' | 'Groups', filter: string, more = ''): Promise<Answer> {
    return this.get(`/${kind}?filter=${encodeURIComponent(filter)}${more}`)
  }

  /** A new person's id. */
  async person(userName: string, rest: object = {}): Promise<string> {
    return this.made(this.post('/Users', { schemas: [USER], userName, ...rest }))
  }

  async group(displayName: string, members: readonly string[] = []): Promise<string> {
    const body = { schemas: [GROUP], displayName, members: members.map((value) => ({ value })) }
    return this.made(this.post('/Groups', body))
  }

  send(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown, extras: Extras = {}): Promise<Answer> {
    const headers = { ...(body !== undefined && { 'content-type': 'application/scim+json' }), ...extras.headers }
    return this.api.send(method, `/scim/v2${path}`, body, { ...extras, headers })
  }

  private async made(answer: Promise<Answer>): Promise<string> {
    return (await this.api.must(answer)).id
  }
}

export interface ScimToken {
  readonly id: string
  readonly token: string
}

export async function scimToken({ admin }: Pick<Broker, 'admin'>, expiresInSeconds = 86_400): Promise<ScimToken> {
  return admin.must(admin.post('/api/scim-tokens', { name: 'directory', expiresInSeconds }))
}

export async function scimOf(broker: Pick<Broker, 'admin' | 'api'>): Promise<ScimApi> {
  return new ScimApi(broker.api((await scimToken(broker)).token))
}
