import { setTimeout as wait } from 'node:timers/promises'
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import * as client from 'openid-client'
import { each, type Outcome } from '../../platform/due/due-lane.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { isBrokerError } from '../../sdk/index.ts'
import { TokenRefused } from '../refusals/token-refused.ts'
import { Provider, unreachable } from './provider.ts'
import { refusalOf } from './provider-answers.ts'
import { type Kept, REVOKE_WORK, SessionTokens } from './session-tokens.ts'

const PATIENCE_MS = 15_000
const LOOK_MS = 100
const TRY_AGAIN_MS = 60_000

/** Trades refresh tokens, which may be good for one use, and has the provider forget those of sessions that ended. */
@Injectable()
export class SessionRefresh implements OnModuleInit {
  private readonly log = new Logger(SessionRefresh.name)

  constructor(
    private readonly provider: Provider,
    private readonly kept: SessionTokens,
    private readonly dueWork: DueWork,
  ) {}

  onModuleInit(): void {
    this.dueWork.handle('background', REVOKE_WORK, (batch) => each(batch, ({ subject }) => this.revoke(subject)))
  }

  /**
   * Tokens newer than these: this process trades them, or takes those another one got. Throws `TokenRefused` when the provider does not take
   * the refresh token, `unavailable` when it cannot be asked.
   */
  async newer(sessionId: string, before: Kept): Promise<Kept> {
    for (const begun = performance.now(); ; await wait(LOOK_MS)) {
      const turn = await this.kept.takeTurn(sessionId, before.version)
      switch (turn.kind) {
        case 'gone':
          throw new TokenRefused('no_tokens_kept')
        case 'newer':
          return turn.kept
        case 'ours':
          return this.trade(sessionId, turn.kept)
        case 'taken':
          if (performance.now() - begun > PATIENCE_MS)
            throw unreachable(new Error('another replica does not get an answer either'))
      }
    }
  }

  /** A session is used, and its refresh token must not die of idleness. Whether the person still is somebody is found out at a decision. */
  async keepAlive(sessionId: string): Promise<void> {
    try {
      const kept = await this.kept.read(sessionId)
      if (kept?.refreshToken) await this.newer(sessionId, kept)
    } catch (error) {
      this.log.warn({ error, session: sessionId }, 'a session in use could not be refreshed at the identity provider')
    }
  }

  private async trade(sessionId: string, kept: Kept): Promise<Kept> {
    const { client: at } = await this.provider.get()
    const tokens = await client.refreshTokenGrant(at, kept.refreshToken?.reveal() ?? '').catch(async (error: unknown) => {
      await this.kept.endTurn(sessionId, kept.version)
      throw refusalOf(error)
    })
    return this.kept.replace(sessionId, kept, tokens, at.serverMetadata().issuer)
  }

  private async revoke(sessionId: string): Promise<Outcome> {
    const ended = await this.kept.ended(sessionId)
    if (!ended) return 'done'
    try {
      if (ended.refreshToken && !ended.isOld) {
        const { client: at } = await this.provider.get()
        const { issuer, revocation_endpoint: hasRevocation } = at.serverMetadata()
        const isTheirs = ended.issuer === issuer
        if (isTheirs && hasRevocation) {
          await client.tokenRevocation(at, ended.refreshToken.reveal(), { token_type_hint: 'refresh_token' })
        }
      }
    } catch (error) {
      const refusal = refusalOf(error)
      if (isBrokerError(refusal, 'unavailable')) return TRY_AGAIN_MS
    }
    await this.kept.forget(sessionId)
    return 'done'
  }
}
