import { Injectable } from '@nestjs/common'
import type { RequestKind } from '../../contract/requests.ts'
import type { Hands } from '../../identity/callers/hands.ts'
import type { Tx } from '../../platform/postgres/database.ts'
import type { AccessRequest, AskedResource } from './request.ts'

/**
 * What a request can be about. The room that knows the matter registers it from above; a request goes through its stages without knowing what a
 * yes leads to.
 */
export interface Subject {
  readonly kind: RequestKind

  /** What is asked for, as a phrase: "access to north/archive". */
  inWords(request: Pick<AccessRequest, 'seconds' | 'action'>, resources: readonly Pick<AskedResource, 'name'>[]): string

  /** The hands of those who ask for it or use it already, beside the hands that made this request: none of them decides. */
  users(tx: Tx, request: Pick<AccessRequest, 'id' | 'state' | 'hands' | 'extendsGrantId'>): Promise<Hands>

  /**
   * Throws what has come to stand against it since it was asked for, in words for the approver; asked with the last yes, in its transaction.
   * @param resources what was asked for, as it stands now
   */
  mustHold(tx: Tx, request: AccessRequest, resources: readonly AskedResource[]): Promise<void>

  /**
   * What the last yes leads to, written down in its transaction: no network call, what takes time is due work. A throw takes the yes back.
   * @param seconds the shortest time that an approver allowed
   */
  carryOut(tx: Tx, request: AccessRequest, seconds: number, resources: readonly AskedResource[]): Promise<void>
}

/** The subjects of this daemon, by the kind of their requests. */
@Injectable()
export class Subjects {
  private readonly known = new Map<RequestKind, Subject>()

  register(subject: Subject): void {
    if (this.known.has(subject.kind)) throw new TypeError(`there are two subjects called ${subject.kind}`)
    this.known.set(subject.kind, subject)
  }

  of({ kind }: Pick<AccessRequest, 'kind'>): Subject {
    const subject = this.known.get(kind)
    if (!subject) throw new TypeError(`nobody registered what a request for ${kind} leads to`)
    return subject
  }
}
