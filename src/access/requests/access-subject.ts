import { Injectable, type OnModuleInit } from '@nestjs/common'
import type { AccessRequest, AskedResource } from '../../approvals/requests/request.ts'
import { type Subject, Subjects } from '../../approvals/requests/subjects.ts'
import { namesOf } from '../../approvals/requests/words.ts'
import { grantIdOf } from '../../grants/grant.ts'
import { Provisioning } from '../../grants/provisioning/provisioning.ts'
import { usersHands } from '../../grants/two-sides.ts'
import type { Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { inputOf } from './plans.ts'
import { RightsNow } from './rights-now.ts'

/** An approved request for access becomes a grant. */
@Injectable()
export class AccessSubject implements Subject, OnModuleInit {
  readonly kind = 'access'

  constructor(
    private readonly subjects: Subjects,
    private readonly rights: RightsNow,
    private readonly provisioning: Provisioning,
  ) {}

  onModuleInit(): void {
    this.subjects.register(this)
  }

  readonly inWords: Subject['inWords'] = (_, resources) => `access to ${namesOf(resources)}`

  /** Of access that waits for its approval there is no grant that anybody could have opened. */
  async users(tx: Tx, { id, state, hands }: Pick<AccessRequest, 'id' | 'state' | 'hands'>) {
    return state === 'pending' ? hands : usersHands(tx, grantIdOf(id))
  }

  async mustHold(tx: Tx, request: AccessRequest, resources: readonly AskedResource[]): Promise<void> {
    const gone = resources.find((resource) => resource.gone || resource.ungrantable !== null)
    if (gone) {
      const why = `${gone.name} can no longer be granted: ${gone.ungrantable ?? 'it is gone'}`
      throw new BrokerError('access.ungrantable', why, { fix: 'reject the request' })
    }
    await this.rights.mustHold(tx, request, resources)
  }

  async carryOut(
    tx: Tx,
    { id, integrationId, requesterId, delivery }: AccessRequest,
    seconds: number,
    resources: readonly AskedResource[],
  ): Promise<void> {
    const input = inputOf({ resources })
    await this.provisioning.order(tx, { requestId: id, integrationId, granteeId: requesterId, seconds, delivery, input })
  }
}
