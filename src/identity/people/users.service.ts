import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import { record } from '../../audit/record.ts'
import { id } from '../../contract/id.ts'
import type { ChangedUser, NewUser, UserChange, UserQuery, UserView } from '../../contract/identity.ts'
import type { Page } from '../../contract/lists.ts'
import { type CursorKind, Cursors } from '../../platform/http/cursors.ts'
import { newId } from '../../platform/ids.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { violates } from '../../platform/postgres/database-errors.ts'
import { BrokerError } from '../../sdk/index.ts'
import type { Caller } from '../callers/caller.ts'
import { mustBeAnother } from '../callers/hands-of.ts'
import { Directory } from '../directory/directory.ts'
import { rolesChanged } from '../directory/directory-changed.ts'
import { USER_COLUMNS, type User } from '../directory/user.ts'
import { lockScim } from '../scim/scim-writes.ts'
import { SignInLinks } from '../scim/sign-in-links.ts'
import { lockOut } from '../sessions/lock-out.ts'

// The order is by name, which several may have; the database folds its case, so the database tells the position.
const USERS: CursorKind<[string, string]> = { list: 'users', position: z.tuple([z.string(), id('usr')]) }

@Injectable()
export class UsersService {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
    private readonly directory: Directory,
    private readonly links: SignInLinks,
  ) {}

  async list({ limit, cursor, state }: UserQuery): Promise<Page<UserView>> {
    const after = this.cursors.read(USERS, cursor)
    const found = await rows<User & { folded: string }>(
      this.database.pool,
      `select ${USER_COLUMNS}, lower(name) as folded from users
       where ($1::text is null or (lower(name), id) > ($1, $2)) and ($3::text is null or state = $3)
       order by lower(name), id limit $4`,
      [after?.[0] ?? null, after?.[1] ?? null, state ?? null, limit + 1],
    )
    return this.cursors.page(USERS, found, limit, (one) => [one.folded, one.id], viewOf)
  }

  async get(id: string): Promise<UserView> {
    return viewOf((await row<User>(this.database.pool, `select ${USER_COLUMNS} from users where id = $1`, [id])) ?? missing())
  }

  async create(caller: Caller, { name, email = null, roles }: NewUser): Promise<UserView> {
    return this.database.transaction(async (tx) => {
      const id = newId('usr')
      const made = row<User>(tx, `insert into users (id, name, email, roles) values ($1, $2, $3, $4) returning ${USER_COLUMNS}`, [
        id,
        name,
        email,
        roles,
      ])
      const user = await unlessTaken(name, made)
      await record(tx, { kind: 'user.created', actor: caller.id, subject: id, data: { name, email, roles } })
      return viewOf(user!)
    })
  }

  async change(caller: Caller, id: string, change: UserChange): Promise<ChangedUser> {
    return this.database.transaction(async (tx) => {
      if (change.state === 'disabled') await lockScim(tx)
      return this.directory.keepingAnAdmin(tx, caller.id, async () => {
        const user = (await row<User>(tx, `select ${USER_COLUMNS} from users where id = $1 for update`, [id])) ?? missing()
        await unlessScims(tx, user, change)
        if (raises(user, change)) await mustBeAnother(tx, caller, [user.id])
        const { name, email, roles, state }: User = { ...user, ...change }
        const written = row<User>(
          tx,
          `update users set name = $2, email = $3, roles = $4, state = $5 where id = $1 returning ${USER_COLUMNS}`,
          [user.id, name, email, roles, state],
        )
        const changed = (await unlessTaken(name, written))!
        const isLeaving = user.state === 'active' && changed.state === 'disabled'
        if (user.roles.some((role) => !changed.roles.includes(role))) await rolesChanged(tx)
        const bereft = isLeaving ? await lockOut(tx, caller.id, user.id) : []
        await record(tx, { kind: 'user.changed', actor: caller.id, subject: user.id, data: { ...change } })
        if (isLeaving) await this.links.reuniteDisabled(tx, caller.id, user.id)
        return { ...viewOf(changed), alsoLeftWithoutTokens: await named(tx, bereft) }
      })
    })
  }
}

function raises(user: User, { state, roles = [] }: UserChange): boolean {
  return (state === 'active' && user.state === 'disabled') || roles.some((role) => !user.roles.includes(role))
}

function named(tx: Tx, ids: readonly string[]): Promise<ChangedUser['alsoLeftWithoutTokens']> {
  return rows(tx, 'select id, name from users where id = any($1) order by lower(name), id', [ids])
}

/** What SCIM says of somebody is for SCIM to change. Here they get roles, and can be disabled; a person SCIM keeps out is not let in again. */
async function unlessScims(tx: Tx, user: User, { name, email, state }: UserChange): Promise<void> {
  const said = await row<{ isIn: boolean }>(
    tx,
    `select user_name is not null and (scim->>'active')::boolean as "isIn" from users where id = $1 and source = 'scim'`,
    [user.id],
  )
  if (!said) return
  const field =
    name !== undefined ? 'name' : email !== undefined ? 'email' : state === 'active' && !said.isIn ? 'state' : undefined
  if (field === undefined) return
  throw new BrokerError('conflict', `the identity provider sets the ${field} of ${user.name}, through SCIM`, {
    field,
    fix: 'change it at the identity provider',
  })
}

async function unlessTaken<T>(name: string, written: Promise<T>): Promise<T> {
  try {
    return await written
  } catch (error) {
    if (!violates(error, 'users_name_taken')) throw error
    throw new BrokerError('name.taken', `another person has the name ${name}`, { cause: error, field: 'name' })
  }
}

function viewOf({ id, name, email, roles, state, source, userName, signInName, createdAt }: User): UserView {
  return { id, name, userName: userName ?? signInName, email, source, roles, state, createdAt: createdAt.toISOString() }
}

function missing(): never {
  throw new BrokerError('not_found', 'there is no such person')
}
