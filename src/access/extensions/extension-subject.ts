import { Injectable, type OnModuleInit } from '@nestjs/common'
import type { AccessRequest, AskedResource } from '../../approvals/requests/request.ts'
import { type Subject, Subjects } from '../../approvals/requests/subjects.ts'
import { namesOf } from '../../approvals/requests/words.ts'
import { Extensions } from '../../grants/extension/extensions.ts'
import { usersHands } from '../../grants/two-sides.ts'
import type { Tx } from '../../platform/postgres/database.ts'
import { RightsNow } from '../requests/rights-now.ts'

/** An approved request for more time moves the end of the grant. */
@Injectable()
export class ExtensionSubject implements Subject, OnModuleInit {
  readonly kind = 'extension'

  constructor(
    private readonly subjects: Subjects,
    private readonly rights: RightsNow,
    private readonly extensions: Extensions,
  ) {}

  onModuleInit(): void {
    this.subjects.register(this)
  }

  readonly inWords: Subject['inWords'] = (_, resources) => `more time on ${namesOf(resources)}`

  users(tx: Tx, { extendsGrantId }: Pick<AccessRequest, 'extendsGrantId'>) {
    return usersHands(tx, extendsGrantId!)
  }

  mustHold(tx: Tx, request: AccessRequest, resources: readonly AskedResource[]): Promise<void> {
    return this.rights.mustHold(tx, request, resources)
  }

  carryOut(tx: Tx, { id, extendsGrantId }: AccessRequest, seconds: number): Promise<void> {
    return this.extensions.extend(tx, extendsGrantId!, seconds, id)
  }
}
