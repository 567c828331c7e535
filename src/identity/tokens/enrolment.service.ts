import { Inject, Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import type { Config } from '../../config/config.ts'
import type { Enrolment, EnrolmentCode, NewEnrolmentCode } from '../../contract/enrolment.ts'
import type { Id } from '../../contract/id.ts'
import { type MintedToken, SCOPES, type Scope } from '../../contract/identity.ts'
import { newId } from '../../platform/ids.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import type { Caller } from '../callers/caller.ts'
import { mustBeAnother } from '../callers/hands-of.ts'
import { Directory } from '../directory/directory.ts'
import { isInGoodHands, signsIn } from '../directory/signs-in.ts'
import { Attempts } from '../refusals/attempts.ts'
import { Refusals } from '../refusals/refusals.ts'
import { hashOf, randomToken } from './api-token.ts'
import { holdPeople, holdToken, mustBeHere } from './hold.ts'
import { MADE_SIGNED_IN_SECONDS, mintToken } from './mint-token.ts'
import { viewOf } from './tokens.service.ts'

interface Code {
  readonly id: Id<'enr'>
  readonly userId: Id<'usr'>
  readonly createdBy: string
  readonly makers: readonly string[]
  /** the token it was made with; null when it was made signed in */
  readonly tokenId: Id<'tok'> | null
  /** with what its maker came */
  readonly scopes: readonly Scope[]
}

const OPEN = 'redeemed_at is null and withdrawn_at is null'

/** How people get in where nobody signs in: an admin makes a code for somebody, who makes their own token of it, once. */
@Injectable()
export class Enrolments {
  constructor(
    private readonly database: Database,
    private readonly directory: Directory,
    private readonly refusals: Refusals,
    private readonly attempts: Attempts,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The last one made for somebody is the one that counts. */
  async create(caller: Caller, userId: string, { expiresInSeconds }: NewEnrolmentCode): Promise<EnrolmentCode> {
    if (userId === caller.id) {
      throw new BrokerError('conflict', 'you are already signed in and need no enrolment code', {
        fix: 'make a token: POST /api/tokens',
      })
    }
    const code = randomToken('lke')
    return this.database.transaction(async (tx) => {
      await this.mustNeedOne(tx, userId)
      await mustBeAnother(tx, caller, [userId])
      await mustBeHere(tx, caller.id)
      const tokenEndsBy = (await holdToken(tx, caller.tokenId))?.toISOString() ?? null
      await withdrawOpen(tx, caller.id, userId)
      const made = await row<{ id: Id<'enr'>; userId: Id<'usr'>; expiresAt: Date }>(
        tx,
        `insert into enrolment_codes (id, user_id, hash, created_by, makers, token_id, scopes, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
         returning id, user_id as "userId", expires_at as "expiresAt"`,
        [
          newId('enr'),
          userId,
          hashOf(code.reveal()),
          caller.id,
          handsOn(caller),
          caller.tokenId,
          caller.scopes,
          expiresInSeconds,
        ],
      )
      const expiresAt = made!.expiresAt.toISOString()
      await record(tx, { kind: 'enrolment.created', actor: caller.id, subject: made!.id, data: { userId, expiresAt } })
      return { id: made!.id, userId: made!.userId, expiresAt, tokenEndsBy, code: code.reveal() }
    })
  }

  /** Withdrawing what is not there is no mistake. */
  async withdraw(caller: Caller, userId: string): Promise<void> {
    await this.database.transaction((tx) => withdrawOpen(tx, caller.id, userId))
  }

  /**
   * What it gives ends with what the code was made with, and has no scope its maker came without. Every code that is none, or none any more,
   * is refused alike, and written down.
   */
  async redeem({ code, name, expiresInSeconds }: Enrolment): Promise<MintedToken> {
    this.attempts.take('enrolment')
    try {
      const minted = await this.database.transaction(async (tx) => {
        const found = await this.take(tx, hashOf(code))
        const { token, kept } = await mintToken(tx, {
          userId: found.userId,
          name,
          scopes: SCOPES.filter((scope) => found.scopes.includes(scope)),
          seconds: found.tokenId === null ? Math.min(expiresInSeconds, MADE_SIGNED_IN_SECONDS) : expiresInSeconds,
          by: found.userId,
          makers: found.makers,
          parentId: found.tokenId,
        })
        await record(tx, {
          kind: 'enrolment.redeemed',
          actor: found.userId,
          subject: found.id,
          data: { userId: found.userId, madeBy: found.createdBy, tokenId: kept.id },
        })
        return { ...viewOf(kept), token: token.reveal() }
      })
      this.attempts.giveBack('enrolment')
      return minted
    } catch (error) {
      if (error instanceof CodeRefused) await this.refusals.note('enrolment', error)
      throw error
    }
  }

  private async take(tx: Tx, hash: string): Promise<Code> {
    await this.hold(tx, hash)
    const code = await row<Code>(
      tx,
      `update enrolment_codes t set redeemed_at = now() from users u
       where t.hash = $1 and ${OPEN} and t.expires_at > now() and u.id = t.user_id and u.state = 'active'
         and not ${signsIn(this.config)} and ${isInGoodHands(this.config, '$2')}
         and (t.token_id is null or exists (
           select from api_tokens p where p.id = t.token_id and p.revoked_at is null and p.expires_at > now()))
       returning t.id, t.user_id as "userId", t.created_by as "createdBy", t.makers, t.token_id as "tokenId", t.scopes`,
      [hash, this.config.oidc?.issuer ?? ''],
    )
    if (!code) throw new CodeRefused()
    const maker = await this.directory.member(code.createdBy, tx)
    if (maker?.state !== 'active' || !maker.roles.includes('admin')) throw new CodeRefused()
    return code
  }

  /** The end of one of its makers, or of the token it was made with, comes before the code is redeemed or sees what it gave. */
  private async hold(tx: Tx, hash: string): Promise<void> {
    const code = await row<Pick<Code, 'userId' | 'makers' | 'tokenId'>>(
      tx,
      'select user_id as "userId", makers, token_id as "tokenId" from enrolment_codes where hash = $1',
      [hash],
    )
    if (!code) throw new CodeRefused()
    await holdPeople(tx, [code.userId, ...code.makers])
    await rows(tx, 'select from api_tokens where id = $1 for share', [code.tokenId])
  }

  private async mustNeedOne(tx: Tx, userId: string): Promise<void> {
    const person = await row<{ name: string; signsIn: boolean }>(
      tx,
      `select u.name, ${signsIn(this.config)} as "signsIn" from users u where u.id = $1 and u.state = 'active' for update`,
      [userId],
    )
    if (!person) throw new BrokerError('not_found', 'there is no such active person')
    if (!person.signsIn) return
    throw new BrokerError('conflict', `${person.name} signs in at the identity provider and needs no enrolment code`, {
      fix: 'ask them to sign in and to make their tokens themselves',
    })
  }
}

/**
 * Who makes a code can redeem it, and be its person from then on: whatever is done with the token counts as theirs too, and as that of
 * the maker of the token they came with.
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
    super('auth.forbidden', 'this is not an enrolment code, or it was already used, has expired, or was withdrawn', {
      fix: 'ask an admin for a new one',
    })
  }
}
