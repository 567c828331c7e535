import { isDeepStrictEqual } from 'node:util'
import { Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import { Database, row, rows, type Tx } from '../../platform/database.ts'
import { isId, newId } from '../../platform/ids.ts'
import { BrokerError } from '../../sdk/index.ts'
import { lockOut } from '../lock-out.ts'
import { type Found, findPage, type ListQuery } from './list.ts'
import { operationsOf } from './patch.ts'
import { patchPerson, readPerson } from './patch-person.ts'
import { forgetRecycled, resolveManagers } from './people-links.ts'
import { derived, type ScimPerson } from './person.ts'
import type { ScimClient } from './scim-authentication.ts'
import { ScimWrites } from './scim-writes.ts'
import { USER_COLUMNS } from './user-columns.ts'

export interface UserRow {
  readonly id: string
  readonly state: 'active' | 'disabled'
  readonly scim: ScimPerson
  readonly managerId: string | null
  readonly managerName: string | null
  readonly createdAt: Date
  readonly changedAt: Date
  readonly groups: readonly { readonly value: string; readonly display: string }[]
}

const SELECT = `select u.id, u.state, u.scim, u.manager_id as "managerId", b.name as "managerName", u.created_at as "createdAt",
  u.changed_at as "changedAt", coalesce((
    select jsonb_agg(jsonb_build_object('value', g.id, 'display', g.name) order by g.id)
    from group_members m join groups g on g.id = m.group_id where m.user_id = u.id and g.source = 'scim'), '[]') as groups`

// Whom SCIM brought and has not removed; of everybody else it sees and changes nothing.
const FROM = `from users u left join users b on b.id = u.manager_id where u.source = 'scim' and u.user_name is not null`

@Injectable()
export class ScimUsers {
  constructor(
    private readonly database: Database,
    private readonly writes: ScimWrites,
  ) {}

  list(query: ListQuery): Promise<Found<UserRow>> {
    return findPage<UserRow>(this.database, { select: SELECT, from: FROM, columns: USER_COLUMNS }, query)
  }

  async get(id: string, tx: Pick<Tx, 'query'> = this.database.pool): Promise<UserRow> {
    const found = isId('usr', id) ? await row<UserRow>(tx, `${SELECT} ${FROM} and u.id = $1`, [id]) : undefined
    return found ?? missing()
  }

  /** Somebody new, whatever the name was before: nobody's past comes back with it. */
  create(client: ScimClient, body: unknown): Promise<UserRow> {
    const person = readPerson(body)
    const id = newId('usr')
    return this.writes.run(client, id, async (tx) => {
      await rows(tx, `insert into users (id, name, roles, state, source) values ($1, $2, '{member}', $3, 'scim')`, [
        id,
        person.userName,
        person.active ? 'active' : 'disabled',
      ])
      await keep(tx, id, person)
      if (person.externalId !== undefined) await forgetRecycled(tx, client.actor, person.externalId)
      await resolveManagers(tx, id, [id, person.externalId])
      const { userName, externalId, active } = person
      const data = { ...derived(person), source: 'scim', userName, externalId, active }
      await record(tx, { kind: 'user.created', actor: client.actor, subject: id, data })
      return this.get(id, tx)
    })
  }

  replace(client: ScimClient, id: string, body: unknown): Promise<UserRow> {
    return this.change(client, id, (person) => readPerson(body, person.active))
  }

  patch(client: ScimClient, id: string, body: unknown): Promise<UserRow> {
    const operations = operationsOf(body)
    return this.change(client, id, (person) => patchPerson(person, operations))
  }

  /** Nobody is deleted, for history points at them. They are disabled, and SCIM knows them no more. */
  remove(client: ScimClient, id: string): Promise<void> {
    return this.writes.run(client, id, async (tx) => {
      const before = await this.locked(tx, id)
      await rows(
        tx,
        `update users set state = 'disabled', user_name = null, external_id = null, manager_id = null, changed_at = now()
         where id = $1`,
        [id],
      )
      const left = await rows<{ id: string }>(tx, 'delete from group_members where user_id = $1 returning group_id as id', [id])
      await lockOut(tx, client.actor, id)
      await resolveManagers(tx, id, [id, before.scim.externalId])
      const { userName, externalId } = before.scim
      await record(
        tx,
        { kind: 'user.removed', actor: client.actor, subject: id, data: { userName, externalId } },
        ...left.map((group) => ({
          kind: 'group.member_removed',
          actor: client.actor,
          subject: group.id,
          data: { userId: id },
        })),
      )
    })
  }

  private change(client: ScimClient, id: string, change: (person: ScimPerson) => ScimPerson): Promise<UserRow> {
    return this.writes.run(client, id, async (tx) => {
      const before = await this.locked(tx, id)
      const person = change(before.scim)
      if (isDeepStrictEqual(person, before.scim)) return before
      const state = stateAfter(before, person)
      await keep(tx, id, person)
      await rows(tx, 'update users set state = $2, changed_at = now() where id = $1', [id, state])
      if (before.state === 'active' && state === 'disabled') await lockOut(tx, client.actor, id)
      await resolveManagers(tx, id, [before.scim.externalId, person.externalId])
      const changed = Object.keys({ ...before.scim, ...person }).filter(
        (key) => !isDeepStrictEqual(before.scim[key as keyof ScimPerson], person[key as keyof ScimPerson]),
      )
      const { userName, externalId } = person
      const data = { changed, ...derived(person), userName, externalId, state }
      await record(tx, { kind: 'user.changed', actor: client.actor, subject: id, data })
      return this.get(id, tx)
    })
  }

  private async locked(tx: Tx, id: string): Promise<UserRow> {
    await rows(tx, 'select from users where id = $1 for update', [id])
    return this.get(id, tx)
  }
}

/** Somebody disabled here stays so while SCIM only repeats that they are active. */
function stateAfter(before: UserRow, person: ScimPerson): UserRow['state'] {
  if (!person.active) return 'disabled'
  return before.scim.active ? before.state : 'active'
}

async function keep(tx: Tx, id: string, person: ScimPerson): Promise<void> {
  const { name, email, attributes } = derived(person)
  await rows(
    tx,
    `update users set name = $2, email = $3, attributes = $4, user_name = $5, external_id = $6, scim = $7 where id = $1`,
    [id, name, email, JSON.stringify(attributes), person.userName, person.externalId ?? null, JSON.stringify(person)],
  )
}

function missing(): never {
  throw new BrokerError('not_found', 'there is no such person')
}
