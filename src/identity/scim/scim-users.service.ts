import { isDeepStrictEqual } from 'node:util'
import { Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import type { Id } from '../../contract/id.ts'
import { ScimRefusal } from '../../platform/http/scim-error.ts'
import { isId, newId } from '../../platform/ids.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { lockOut } from '../sessions/lock-out.ts'
import { type Found, findPage, type ListQuery } from './list.ts'
import { leaveGroups } from './merge.ts'
import { operationsOf } from './patch.ts'
import { deactivates, patchPerson, readPerson } from './patch-person.ts'
import { forgetRecycled, resolveManagers } from './people-links.ts'
import { derived, type ScimPerson } from './person.ts'
import type { ScimClient } from './scim-authentication.ts'
import { scimId } from './scim-id.ts'
import { ScimWrites, SeenByLeaver } from './scim-writes.ts'
import { type Holder, SignInLinks } from './sign-in-links.ts'
import { USER_COLUMNS } from './user-columns.ts'

export interface UserRow {
  /** as SCIM knows them */
  readonly id: string
  /** as everybody else does: it is another one where they had signed in before SCIM brought them */
  readonly personId: Id<'usr'>
  readonly state: 'active' | 'disabled'
  readonly scim: ScimPerson
  readonly managerId: string | null
  readonly managerName: string | null
  readonly createdAt: Date
  readonly changedAt: Date
  readonly groups: readonly { readonly value: string; readonly display: string }[]
}

const SELECT = `select ${scimId('u')} as id, u.id as "personId", u.state, u.scim, ${scimId('b')} as "managerId", b.name as "managerName", u.created_at as "createdAt",
  u.changed_at as "changedAt", coalesce((
    select jsonb_agg(jsonb_build_object('value', g.id, 'display', g.name) order by g.id)
    from group_members m join groups g on g.id = m.group_id where m.user_id = u.id and g.source = 'scim'), '[]') as groups`

// The people SCIM brought and has not removed; of everybody else it sees and changes nothing.
const FROM = `from users u left join users b on b.id = u.manager_id where u.source = 'scim' and u.user_name is not null`

@Injectable()
export class ScimUsers {
  constructor(
    private readonly database: Database,
    private readonly writes: ScimWrites,
    private readonly links: SignInLinks,
  ) {}

  list(query: ListQuery): Promise<Found<UserRow>> {
    return findPage<UserRow>(this.database, { select: SELECT, from: FROM, columns: USER_COLUMNS }, query)
  }

  async get(id: string, tx: Tx = this.database.pool): Promise<UserRow> {
    const found = isId('usr', id) ? await row<UserRow>(tx, `${SELECT} ${FROM} and ${scimId('u')} = $1`, [id]) : undefined
    return found ?? missing()
  }

  /** Who signs in already, by their externalId; else somebody new, whatever the name was before: nobody's past comes back with it. */
  create(client: ScimClient, body: unknown): Promise<UserRow> {
    const person = readPerson(body)
    const id = newId('usr')
    return this.writes.run(client, id, async (tx, mayGive) => {
      if (!mayGive) throw new SeenByLeaver()
      const { userName, externalId, active } = person
      const holder = externalId === undefined ? undefined : await this.links.adoptable(tx, client.actor, externalId)
      if (holder) return this.adopt(tx, client, holder, person)
      await rows(tx, `insert into users (id, name, roles, state, source) values ($1, $2, '{member}', $3, 'scim')`, [
        id,
        person.userName,
        person.active ? 'active' : 'disabled',
      ])
      await keep(tx, id, person)
      if (externalId !== undefined) await forgetRecycled(tx, client.actor, externalId)
      await resolveManagers(tx, id, [id, externalId])
      const data = { ...derived(person), source: 'scim' as const, userName, externalId, active }
      await record(tx, { kind: 'user.created', actor: client.actor, subject: id, data })
      await this.links.noteLookAlikes(tx, client.actor, id)
      return this.get(id, tx)
    })
  }

  /** They stay who they are, with what they have, and are SCIM's to describe and to end. Who was disabled here stays so. */
  private async adopt(tx: Tx, client: ScimClient, { id, state, source }: Holder, person: ScimPerson): Promise<UserRow> {
    await rows(tx, `update users set source = 'scim', changed_at = now(), state = $2 where id = $1`, [
      id,
      person.active ? state : 'disabled',
    ])
    await keep(tx, id, person)
    await leaveGroups(tx, client.actor, id, 'sign_in')
    if (state === 'active' && !person.active) await lockOut(tx, client.actor, id)
    if (person.externalId !== undefined) await forgetRecycled(tx, client.actor, person.externalId)
    await resolveManagers(tx, id, [id, person.externalId])
    const { userName, externalId, active } = person
    const data = { ...derived(person), before: source, userName, externalId, active }
    await record(tx, { kind: 'person.adopted', actor: client.actor, subject: id, data })
    return this.get(id, tx)
  }

  replace(client: ScimClient, id: string, body: unknown): Promise<UserRow> {
    const change = (person: ScimPerson) => readPerson(body, person.active)
    return this.change(client, id, change, () => deactivates([{ op: 'replace', value: body }]))
  }

  patch(client: ScimClient, id: string, body: unknown): Promise<UserRow> {
    const operations = operationsOf(body)
    const change = (person: ScimPerson) => patchPerson(person, operations)
    return this.change(client, id, change, () => deactivates(operations))
  }

  /** Nobody is deleted, for history points at them. They are disabled, and SCIM knows them no more. */
  remove(client: ScimClient, id: string): Promise<void> {
    return this.writes.run(client, id, async (tx) => {
      const { personId, scim } = await this.locked(tx, id)
      const { userName, externalId } = scim
      await rows(
        tx,
        `update users set state = 'disabled', user_name = null, external_id = null, manager_id = null, changed_at = now()
         where id = $1`,
        [personId],
      )
      await lockOut(tx, client.actor, personId)
      await resolveManagers(tx, personId, [id, externalId])
      await record(tx, { kind: 'user.removed', actor: client.actor, subject: personId, data: { userName, externalId } })
      await leaveGroups(tx, client.actor, personId)
      await this.links.disableTwins(tx, client.actor, [externalId])
    })
  }

  /** Who leaves leaves, though something that was sent along cannot be: that is noted then, and the rest is not done. */
  private async change(
    client: ScimClient,
    id: string,
    change: (person: ScimPerson) => ScimPerson,
    isLeaving: () => boolean,
  ): Promise<UserRow> {
    try {
      return await this.apply(client, id, change)
    } catch (error) {
      if (!(error instanceof ScimRefusal) || !isLeaving()) throw error
      return this.apply(client, id, (person) => ({ ...person, active: false }), error)
    }
  }

  private apply(
    client: ScimClient,
    id: string,
    change: (person: ScimPerson) => ScimPerson,
    refused?: ScimRefusal,
  ): Promise<UserRow> {
    return this.writes.run(client, id, async (tx, mayGive) => {
      const before = await this.locked(tx, id)
      const wanted = change(before.scim)
      if (isDeepStrictEqual(wanted, before.scim)) return before
      const person = mayGive ? wanted : onlyDeactivated(before.scim, wanted)
      if (refused) await this.noteRefused(tx, client, before.personId, refused)
      const state = stateAfter(before, person)
      const { personId } = before
      const { userName, externalId } = person
      const isAnothersNow = externalId !== undefined && externalId !== before.scim.externalId
      if (isAnothersNow) await this.links.mustNotBecomeAnother(tx, personId)
      await keep(tx, personId, person)
      await rows(tx, 'update users set state = $2, changed_at = now() where id = $1', [personId, state])
      if (before.state === 'active' && state === 'disabled') await lockOut(tx, client.actor, personId)
      await resolveManagers(tx, personId, [before.scim.externalId, externalId])
      const changed = Object.keys({ ...before.scim, ...person }).filter(
        (key) => !isDeepStrictEqual(before.scim[key as keyof ScimPerson], person[key as keyof ScimPerson]),
      )
      const data = { changed, ...derived(person), userName, externalId, state }
      await record(tx, { kind: 'user.changed', actor: client.actor, subject: personId, data })
      if (isAnothersNow) {
        await forgetRecycled(tx, client.actor, externalId)
        await this.links.reunite(tx, client.actor, personId, externalId)
      }
      if (!person.active) await this.links.disableTwins(tx, client.actor, [before.scim.externalId, externalId])
      return this.get(id, tx)
    })
  }

  private async noteRefused(tx: Tx, { actor }: ScimClient, subject: string, { message, field }: ScimRefusal): Promise<void> {
    await record(tx, { kind: 'scim.refused', actor, subject, data: { reason: 'deactivated_all_the_same', message, field } })
  }

  private async locked(tx: Tx, id: string): Promise<UserRow> {
    await rows(tx, `select from users u where ${scimId('u')} = $1 for update`, [id])
    return this.get(id, tx)
  }
}

/** A person who leaves, leaves; nothing else of what was asked for is done. */
function onlyDeactivated(before: ScimPerson, wanted: ScimPerson): ScimPerson {
  if (wanted.active || !before.active) throw new SeenByLeaver()
  return { ...before, active: false }
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
