import { Inject, Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import type { Config } from '../../config/config.ts'
import type { Enrolment, EnrolmentCode, NewEnrolmentCode } from '../../contract/enrolment.ts'
import type { Id } from '../../contract/id.ts'
import { type MintedToken, SCOPES } from '../../contract/identity.ts'
import { newId } from '../../platform/ids.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import type { Caller } from '../callers/caller.ts'
import { Directory } from '../directory/directory.ts'
import { signsIn } from '../directory/signs-in.ts'
import { Refusals } from '../refusals/refusals.ts'
import { hashOf, randomToken } from './api-token.ts'
import { mintToken } from './mint-token.ts'
import { holdToken, viewOf } from './tokens.service.ts'

interface Code {
  readonly id: Id<'enr'>
  readonly userId: Id<'usr'>
  readonly createdBy: string
  readonly makers: readonly string[]
}

const OPEN = 'redeemed_at is null and withdrawn_at is null'

/** How people get in where nobody signs in: an admin makes a code for somebody, who makes their own token of it, once. */
@Injectable()
export class Enrolments {
  constructor(
    private readonly database: Database,
    private readonly directory: Directory,
    private readonly refusals: Refusals,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The last one made for somebody is the one that counts. */
  async create(caller: Caller, userId: string, { expiresInSeconds }: NewEnrolmentCode): Promise<EnrolmentCode> {
    if (userId === caller.id) {
      throw new BrokerError('conflict', 'who is in needs no enrolment code', { fix: 'make a token: POST /api/tokens' })
    }
    const code = randomToken('lke')
    return this.database.transaction(async (tx) => {
      await this.mustNeedOne(tx, userId)
      await holdToken(tx, caller.tokenId)
      await withdrawOpen(tx, caller.id, userId)
      const made = await row<{ id: Id<'enr'>; userId: Id<'usr'>; expiresAt: Date }>(
        tx,
        `insert into enrolment_codes (id, user_id, hash, created_by, makers, token_id, expires_at)
         values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
         returning id, user_id as "userId", expires_at as "expiresAt"`,
        [newId('enr'), userId, hashOf(code.reveal()), caller.id, handsOn(caller), caller.tokenId, expiresInSeconds],
      )
      const expiresAt = made!.expiresAt.toISOString()
      await record(tx, { kind: 'enrolment.created', actor: caller.id, subject: made!.id, data: { userId, expiresAt } })
      return { id: made!.id, userId: made!.userId, expiresAt, code: code.reveal() }
    })
  }

  /** Withdrawing what is not there is no mistake. */
  async withdraw(caller: Caller, userId: string): Promise<void> {
    await this.database.transaction((tx) => withdrawOpen(tx, caller.id, userId))
  }

  /** Every code that is none, or none any more, is refused alike, and written down. */
  async redeem({ code, name, expiresInSeconds }: Enrolment): Promise<MintedToken> {
    try {
      return await this.database.transaction(async (tx) => {
        const found = await this.take(tx, hashOf(code))
        const { token, kept } = await mintToken(tx, {
          userId: found.userId,
          name,
          scopes: SCOPES,
          seconds: expiresInSeconds,
          by: found.userId,
          makers: found.makers,
        })
        await record(tx, {
          kind: 'enrolment.redeemed',
          actor: found.userId,
          subject: found.id,
          data: { userId: found.userId, madeBy: found.createdBy, tokenId: kept.id },
        })
        return { ...viewOf(kept), token: token.reveal() }
      })
    } catch (error) {
      if (error instanceof CodeRefused) await this.refusals.note('enrolment', error)
      throw error
    }
  }

  private async take(tx: Tx, hash: string): Promise<Code> {
    const code = await row<Code>(
      tx,
      `update enrolment_codes c set redeemed_at = now() from users u
       where c.hash = $1 and ${OPEN} and c.expires_at > now() and u.id = c.user_id and u.state = 'active'
         and not ${signsIn(this.config)}
         and not exists (select from api_tokens t where t.id = c.token_id and t.revoked_at is not null)
       returning c.id, c.user_id as "userId", c.created_by as "createdBy", c.makers`,
      [hash],
    )
    if (!code) throw new CodeRefused()
    const maker = await this.directory.member(code.createdBy, tx)
    if (maker?.state !== 'active' || !maker.roles.includes('admin')) throw new CodeRefused()
    return code
  }

  private async mustNeedOne(tx: Tx, userId: string): Promise<void> {
    const person = await row<{ name: string; signsIn: boolean }>(
      tx,
      `select u.name, ${signsIn(this.config)} as "signsIn" from users u where u.id = $1 and u.state = 'active' for update`,
      [userId],
    )
    if (!person) throw new BrokerError('not_found', 'there is no such active person')
    if (!person.signsIn) return
    throw new BrokerError('conflict', `${person.name} signs in at the identity provider and needs no code`, {
      fix: 'let them sign in, and make their tokens themselves',
    })
  }
}

/**
 * Who makes a code can redeem it, and be its person from then on: whatever is done with the token counts as theirs too, and as that of
 * whoever made the token they came with.
 */
function handsOn({ id, tokenMakers }: Caller): string[] {
  return [...new Set([...tokenMakers, id])]
}

async function withdrawOpen(tx: Tx, actor: string, userId: string): Promise<void> {
  const withdrawn = await rows<{ id: string }>(
    tx,
    `update enrolment_codes set withdrawn_at = now() where user_id = $1 and ${OPEN} returning id`,
    [userId],
  )
  await record(tx, ...withdrawn.map(({ id }) => ({ kind: 'enrolment.withdrawn' as const, actor, subject: id, data: { userId } })))
}

class CodeRefused extends BrokerError {
  constructor() {
    super('auth.forbidden', 'this is not an enrolment code, or it was used, has expired, or was withdrawn', {
      fix: 'ask an admin for a new one',
    })
  }
}
