import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import { record } from '../audit/record.ts'
import type { Page } from '../contract/common.ts'
import type { NewUser, UserChange, UserQuery, UserView } from '../contract/identity.ts'
import { type CursorKind, Cursors } from '../platform/cursors.ts'
import { Database, rows, type Tx } from '../platform/database.ts'
import { violates } from '../platform/database-errors.ts'
import { newId } from '../platform/ids.ts'
import { BrokerError } from '../sdk/index.ts'
import type { Caller } from './caller.ts'
import { endSessions } from './sessions.service.ts'
import { User } from './user.ts'

// The order is by name; the database folds its case, so the database tells the position.
const USERS: CursorKind<string> = { list: 'users', position: z.string() }

@Injectable()
export class UsersService {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
  ) {}

  async list({ limit, cursor, state }: UserQuery): Promise<Page<UserView>> {
    const after = this.cursors.read(USERS, cursor)
    const found = await rows<User & { position: string }>(
      this.database.pool,
      `select id, name, email, roles, state, created_at as "createdAt", lower(name) as position from users
       where ($1::text is null or lower(name) > $1) and ($2::text is null or state = $2)
       order by lower(name) limit $3`,
      [after ?? null, state ?? null, limit + 1],
    )
    return this.cursors.page(USERS, found, limit, (row) => row.position, viewOf)
  }

  async get(id: string): Promise<UserView> {
    return viewOf((await this.database.pool.getRepository(User).findOneBy({ id: id as User['id'] })) ?? missing())
  }

  async create(caller: Caller, { name, email = null, roles }: NewUser): Promise<UserView> {
    return this.database.transaction(async (tx) => {
      const id = newId('usr')
      await unlessTaken(name, tx.getRepository(User).insert({ id, name, email, roles, state: 'active' }))
      await record(tx, { kind: 'user.created', actor: caller.id, subject: id, data: { name, email, roles } })
      return viewOf(await tx.getRepository(User).findOneByOrFail({ id }))
    })
  }

  async change(caller: Caller, id: string, change: UserChange): Promise<UserView> {
    return this.database.transaction(async (tx) => {
      const admins = await lockAdmins(tx)
      const users = tx.getRepository(User)
      const user = (await users.findOne({ where: { id: id as User['id'] }, lock: { mode: 'pessimistic_write' } })) ?? missing()
      const changed = users.merge(users.create(user), change)
      const staysAdmin = changed.state === 'active' && changed.roles.includes('admin')
      if (!staysAdmin && admins.length === 1 && admins[0] === user.id) {
        throw new BrokerError('conflict', `${user.name} is the last active admin`, { fix: 'make somebody else an admin first' })
      }
      await unlessTaken(changed.name, users.update({ id: user.id }, change))
      if (user.state === 'active' && changed.state === 'disabled') {
        await revokeTokens(tx, user.id)
        await endSessions(tx, caller.id, 'the person was disabled', { userId: user.id })
      }
      await record(tx, { kind: 'user.changed', actor: caller.id, subject: user.id, data: { ...change } })
      return viewOf(changed)
    })
  }
}

/** Ids of the active admins. They stay as they are until the transaction ends, so two cannot remove each other. */
async function lockAdmins(tx: Tx): Promise<string[]> {
  const found = await rows<{ id: string }>(
    tx,
    `select id from users where state = 'active' and 'admin' = any(roles) order by id for update`,
  )
  return found.map(({ id }) => id)
}

/** A person who is enabled again does not get back what they may have lost meanwhile. */
async function revokeTokens(tx: Tx, userId: string): Promise<void> {
  await rows(tx, 'update api_tokens set revoked_at = now() where user_id = $1 and revoked_at is null', [userId])
}

async function unlessTaken(name: string, written: Promise<unknown>): Promise<void> {
  try {
    await written
  } catch (error) {
    if (!violates(error, 'users_name_taken')) throw error
    throw new BrokerError('name.taken', `somebody is already called ${name}`, { cause: error, field: 'name' })
  }
}

function viewOf({ id, name, email, roles, state, createdAt }: User): UserView {
  return { id, name, email, roles, state, createdAt: createdAt.toISOString() }
}

function missing(): never {
  throw new BrokerError('not_found', 'there is no such person')
}
