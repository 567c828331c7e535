import { Inject, Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import type { Config } from '../../config/config.ts'
import { id } from '../../contract/id.ts'
import type { SessionQuery, SessionView } from '../../contract/identity.ts'
import type { Page } from '../../contract/lists.ts'
import { type CursorKind, Cursors } from '../../platform/http/cursors.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type Caller, isAdmin, mustManage } from '../callers/caller.ts'

// Newest first; ids begin with their time.
const SESSIONS: CursorKind<string> = { list: 'sessions', position: id('ses') }

interface Row {
  readonly id: SessionView['id']
  readonly userId: SessionView['userId']
  readonly begunAt: Date
  readonly expiresAt: Date
}

/** Who is signed in in which browser, to be looked at and ended. */
@Injectable()
export class SessionsService {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The caller's own, unless an admin asks for somebody else's. */
  async list(caller: Caller, { limit, cursor, userId = caller.id }: SessionQuery): Promise<Page<SessionView>> {
    if (userId !== caller.id && !isAdmin(caller)) throw notYours()
    const found = await rows<Row>(
      this.database.pool,
      `select id, user_id as "userId", begun_at as "begunAt",
         least(expire, begun_at + make_interval(hours => $4)) as "expiresAt"
       from http_sessions
       where user_id = $1 and expire > now() and begun_at > now() - make_interval(hours => $4) and ($2::text is null or id < $2)
       order by id desc limit $3`,
      [userId, this.cursors.read(SESSIONS, cursor) ?? null, limit + 1, this.config.sessionHours],
    )
    return this.cursors.page(SESSIONS, found, limit, (one) => one.id, viewOf)
  }

  /** Somebody else's is as good as absent, unless the caller is an admin who may manage. */
  async end(caller: Caller, sessionId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const session = await row<Row>(tx, 'select id, user_id as "userId" from http_sessions where id = $1 for update', [
        sessionId,
      ])
      if (!session || (session.userId !== caller.id && !isAdmin(caller))) throw notYours()
      if (session.userId !== caller.id) mustManage(caller)
      await endSessions(tx, caller.id, 'ended', { ids: [sessionId] })
    })
  }

  async endAll(caller: Caller, userId: string): Promise<void> {
    await this.database.transaction((tx) => endSessions(tx, caller.id, 'ended', { userId }))
  }
}

export type Ended = { readonly ids: readonly string[] } | { readonly userId: string }

/** Ends them at once: each is asked for with every call. Answers how many there were. */
export async function endSessions(tx: Tx, actor: string, reason: string, which: Ended): Promise<number> {
  const [column, value] = 'ids' in which ? ['id', which.ids] : ['user_id', [which.userId]]
  const ended = await rows<{ id: string; userId: string }>(
    tx,
    `delete from http_sessions where ${column} = any($1) and id is not null returning id, user_id as "userId"`,
    [value],
  )
  await record(
    tx,
    ...ended.map(({ id, userId }) => ({ kind: 'session.ended' as const, actor, subject: id, data: { userId, reason } })),
  )
  return ended.length
}

function viewOf({ id, userId, begunAt, expiresAt }: Row): SessionView {
  return { id, userId, begunAt: begunAt.toISOString(), expiresAt: expiresAt.toISOString() }
}

function notYours(): BrokerError {
  return new BrokerError('not_found', 'there is no such session, or it is not yours')
}
