import { record } from '../../audit/record.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import { directoryChanged } from '../directory/directory-changed.ts'
import type { UserState } from '../directory/user.ts'
import { lockOut } from '../sessions/lock-out.ts'

/** True for `u`, a row of users, who was given something here: a role, a place in a group made by hand, or a name in a flow or integration. */
export const GIVEN_HERE = `(not u.roles <@ array['member']
  or exists (select from group_members m join groups g on g.id = m.group_id where m.user_id = u.id and g.source = 'local')
  or exists (select from access_flow_versions v where strpos(v.rule::text, u.id) > 0)
  or exists (select from integrations i where strpos(i.owners::text, u.id) > 0))`

/** One human's two records: the one SCIM describes, and the one that signs in. */
export interface Pair {
  readonly provisioned: string
  readonly signsIn: string
}

/**
 * Makes one of the two, if one of them can go: it has done nothing and been given nothing, or somebody disabled it here. The other keeps its
 * id and all it has, and SCIM goes on with the id it knows. Answers who is left; undefined when both have a past.
 */
export async function merge(tx: Tx, actor: string, { provisioned, signsIn }: Pair): Promise<string | undefined> {
  if (await isBlank(tx, signsIn)) return intoProvisioned(tx, actor, provisioned, signsIn)
  if (await isBlank(tx, provisioned)) return intoSignIn(tx, actor, provisioned, signsIn)
  if (await isDisabledHere(tx, provisioned)) return intoSignIn(tx, actor, provisioned, signsIn)
  if (await isDisabledHere(tx, signsIn)) return intoProvisioned(tx, actor, provisioned, signsIn)
  return undefined
}

async function isBlank(tx: Tx, id: string): Promise<boolean> {
  const blank = await row(
    tx,
    `select from users u where u.id = $1 and not ${GIVEN_HERE}
       and not exists (select from api_tokens t where t.user_id = u.id)
       and not exists (select from audit_events e where e.actor = u.id
         and e.kind not like 'session.%' and e.kind not like 'sign\\_in.%' and e.kind <> 'identity.linked')`,
    [id],
  )
  return blank !== undefined
}

async function isDisabledHere(tx: Tx, id: string): Promise<boolean> {
  const found = await row(
    tx,
    `select from users where id = $1 and state = 'disabled' and coalesce((scim->>'active')::boolean, true)`,
    [id],
  )
  return found !== undefined
}

async function intoProvisioned(tx: Tx, actor: string, provisioned: string, signsIn: string): Promise<string> {
  await rows(tx, 'update identities set user_id = $1 where user_id = $2', [provisioned, signsIn])
  await rows(tx, 'update http_sessions set user_id = $1 where user_id = $2', [provisioned, signsIn])
  await leaveGroups(tx, actor, signsIn)
  await rows(
    tx,
    `update users k set state = 'disabled', changed_at = now() from users g
     where k.id = $1 and g.id = $2 and g.state = 'disabled' and k.state = 'active'`,
    [provisioned, signsIn],
  )
  await rows(tx, `update users set state = 'disabled', manager_id = null, changed_at = now() where id = $1`, [signsIn])
  return settle(tx, actor, provisioned, signsIn)
}

async function intoSignIn(tx: Tx, actor: string, provisioned: string, signsIn: string): Promise<string> {
  const said = await row<{ userName: string; externalId: string | null; state: string }>(
    tx,
    `select user_name as "userName", external_id as "externalId", state from users where id = $1`,
    [provisioned],
  )
  await rows(tx, `update users set state = 'disabled', user_name = null, external_id = null, changed_at = now() where id = $1`, [
    provisioned,
  ])
  await leaveGroups(tx, actor, signsIn, 'sign_in')
  await rows(
    tx,
    `update users k set source = 'scim', scim = g.scim, scim_id = coalesce(g.scim_id, g.id), user_name = $3, external_id = $4, name = g.name,
       email = g.email, attributes = g.attributes, manager_id = nullif(g.manager_id, k.id), changed_at = now(),
       state = case when $5 = 'disabled' then 'disabled' else k.state end
     from users g where k.id = $1 and g.id = $2`,
    [signsIn, provisioned, said?.userName, said?.externalId, said?.state],
  )
  await joinGroupsOf(tx, actor, signsIn, provisioned)
  return settle(tx, actor, signsIn, provisioned)
}

async function settle(tx: Tx, actor: string, kept: string, gone: string): Promise<string> {
  await rows(tx, 'update users set manager_id = $1 where manager_id = $2 and id <> $1', [kept, gone])
  await lockOut(tx, actor, gone)
  const person = await row<{ state: UserState }>(tx, 'select state from users where id = $1', [kept])
  if (person?.state === 'disabled') await lockOut(tx, actor, kept)
  await record(tx, { kind: 'person.merged', actor, subject: kept, data: { from: gone, state: person?.state } })
  return kept
}

/** What SCIM says counts from now on: what a sign-in said of groups does no more. */
export async function leaveGroups(tx: Tx, actor: string, userId: string, source?: 'sign_in'): Promise<void> {
  const left = await rows<{ id: string }>(
    tx,
    `delete from group_members m using groups g
     where m.user_id = $1 and g.id = m.group_id and ($2::text is null or g.source = $2) returning g.id`,
    [userId, source ?? null],
  )
  if (left.length > 0) await directoryChanged(tx)
  await record(tx, ...left.map(({ id }) => ({ kind: 'group.member_removed' as const, actor, subject: id, data: { userId } })))
}

async function joinGroupsOf(tx: Tx, actor: string, kept: string, gone: string): Promise<void> {
  const joined = await rows<{ id: string }>(
    tx,
    `insert into group_members (group_id, user_id)
     select m.group_id, $1 from group_members m join groups g on g.id = m.group_id where m.user_id = $2 and g.source = 'scim'
     on conflict do nothing returning group_id as id`,
    [kept, gone],
  )
  await leaveGroups(tx, actor, gone)
  await record(
    tx,
    ...joined.map(({ id }) => ({ kind: 'group.member_added' as const, actor, subject: id, data: { userId: kept } })),
  )
}
