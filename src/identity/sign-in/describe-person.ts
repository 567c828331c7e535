import { BROKER, record } from '../../audit/record.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import { directoryChanged } from '../directory/directory-changed.ts'
import type { Attributes } from './claims.ts'
import type { Fact, Source, Statement } from './statement.ts'

/** Where and when a fact was said. */
interface Said {
  readonly source: Source
  readonly at: string
}

export interface Facts {
  readonly name?: Said
  readonly userName?: Said
  readonly email?: Said
  readonly attributes?: Readonly<Record<string, Said>>
}

interface Known {
  readonly name: string
  readonly userName: string | null
  readonly email: string | null
  readonly attributes: Attributes
  readonly facts: Facts
  readonly at: Date
}

/**
 * Takes over what a sign-in or a confirmation said of somebody. What it did not mention keeps its value and its age, unless the document
 * that said it before was read whole and says it no more. An access token describes nobody: its owner chose what to have in it.
 */
export async function describePerson(
  tx: Tx,
  issuer: string,
  id: string,
  statement: Statement,
  ageSeconds: number,
): Promise<void> {
  const { occasion, name, userName, email, attributes, whole } = statement
  if (occasion === 'access_token') return
  const known = (await row<Known>(
    tx,
    `select name, sign_in_name as "userName", email, attributes, facts, now() - make_interval(secs => $2) as at from users where id = $1`,
    [id, ageSeconds],
  ))!
  const at = known.at.toISOString()
  const sign = ({ source }: Fact<unknown>): Said => ({ source, at })
  // Where nobody kept the source of a fact, a whole sign-in says it all.
  const hasEnded = (before: Said | undefined) =>
    whole.includes(before?.source ?? 'id_token') && (before !== undefined || occasion === 'sign_in')

  const kept = Object.entries(known.attributes).filter(
    ([attribute]) => !Object.hasOwn(attributes, attribute) && !hasEnded(known.facts.attributes?.[attribute]),
  )
  const said = Object.entries(attributes)
  const next = {
    name: name?.value ?? known.name,
    userName: userName?.value ?? known.userName,
    email: email ? email.value : hasEnded(known.facts.email) ? null : known.email,
    attributes: Object.fromEntries([...kept, ...said.map(([attribute, { value }]) => [attribute, value] as const)]),
  }
  const facts: Facts = {
    name: name ? sign(name) : known.facts.name,
    userName: userName ? sign(userName) : known.facts.userName,
    email: email ? sign(email) : next.email === null ? undefined : known.facts.email,
    attributes: Object.fromEntries([
      ...kept.flatMap(([attribute]) => {
        const before = known.facts.attributes?.[attribute]
        return before ? [[attribute, before] as const] : []
      }),
      ...said.map(([attribute, fact]) => [attribute, sign(fact)] as const),
    ]),
  }
  const managerId = await managerOf(tx, issuer, id, next.attributes)
  const changed = changesOf(known, next)
  const before = await row<{ managerId: string | null }>(
    tx,
    `update users u set name = $2, email = $3, attributes = $4, facts = $5, manager_id = $6, sign_in_name = $8,
       changed_at = case when $7 then now() else u.changed_at end
     from (select manager_id from users where id = $1) b where u.id = $1 returning b.manager_id as "managerId"`,
    [
      id,
      next.name,
      next.email,
      JSON.stringify(next.attributes),
      JSON.stringify(facts),
      managerId,
      changed.length > 0,
      next.userName,
    ],
  )
  if ((before?.managerId ?? null) !== managerId && !changed.includes('manager')) changed.push('manager')
  if (changed.includes('manager')) await directoryChanged(tx)
  if (changed.length > 0) await record(tx, { kind: 'user.described', actor: BROKER, subject: id, data: { changed, occasion } })
}

/** By subject, by what SCIM calls them, or by what they sign in as, if that is one person. */
async function managerOf(tx: Tx, issuer: string, id: string, { manager }: Attributes): Promise<string | null> {
  const named = typeof manager === 'string' ? manager : manager?.length === 1 ? manager[0] : undefined
  if (named === undefined) return null
  const found = await row<{ managerId: string | null }>(
    tx,
    `select coalesce(
       (select user_id from identities where issuer = $3 and subject = $2 and user_id <> $1),
       (select id from users where (external_id = $2 or lower(user_name) = lower($2)) and id <> $1 order by external_id = $2 desc limit 1),
       (select min(user_id) from identities where issuer = $3 and lower(user_name) = lower($2) and user_id <> $1
        having count(distinct user_id) = 1)) as "managerId"`,
    [id, named, issuer],
  )
  return found?.managerId ?? null
}

/** Those who named this person their manager before we knew them. */
export async function becomeManager(tx: Tx, issuer: string, id: string, { subject, userName }: Statement): Promise<void> {
  await rows(
    tx,
    `update users u set manager_id = $1
     where u.manager_id is null and u.id <> $1 and u.source = 'sign_in'
       and (u.attributes->>'manager' = $2 or (lower(u.attributes->>'manager') = lower($4) and not exists (
         select from identities o where o.issuer = $3 and lower(o.user_name) = lower($4) and o.user_id <> $1)))
       and exists (select from identities i where i.user_id = u.id and i.issuer = $3)`,
    [id, subject, issuer, userName?.value ?? null],
  )
}

function changesOf(known: Known, next: Pick<Known, 'name' | 'userName' | 'email' | 'attributes'>): string[] {
  const attributes = new Set([...Object.keys(known.attributes), ...Object.keys(next.attributes)])
  const differs = (one: unknown, other: unknown) => JSON.stringify(one) !== JSON.stringify(other)
  return [
    ...(known.name === next.name ? [] : ['name']),
    ...(known.userName === next.userName ? [] : ['userName']),
    ...(known.email === next.email ? [] : ['email']),
    ...[...attributes].filter((attribute) => differs(own(known.attributes, attribute), own(next.attributes, attribute))),
  ]
}

function own(attributes: Attributes, attribute: string): unknown {
  return Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined
}
