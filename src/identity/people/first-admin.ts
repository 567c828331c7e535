import { BROKER, record } from '../../audit/record.ts'
import { SCOPES } from '../../contract/identity.ts'
import { name as nameOf } from '../../contract/text.ts'
import { newId } from '../../platform/ids.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError, type Secret } from '../../sdk/index.ts'
import { hasRole } from '../directory/membership.ts'
import { mintToken } from '../tokens/mint-token.ts'

const THIRTY_DAYS = 30 * 24 * 3600

export interface FirstAdmin {
  readonly name: string
  /** a new token although an admin has one: nobody knows it any more */
  readonly force: boolean
  /** how long a sign-in's word on groups counts */
  readonly groupsFreshMinutes?: number
}

/** Lets somebody in who holds the database: makes the person if need be, and a token with every scope. */
export async function firstAdmin(tx: Tx, { name: given, force, groupsFreshMinutes = 720 }: FirstAdmin): Promise<Secret> {
  const { data: name } = nameOf().safeParse(given)
  if (name === undefined)
    throw new BrokerError('input.invalid', 'the name must have 1 to 100 visible characters', { field: 'name' })
  await rows(tx, `select pg_advisory_xact_lock(hashtext('latchkey:bootstrap'))`)
  const holder = await row<{ name: string }>(
    tx,
    `select u.name from users u where u.state = 'active' and ${hasRole('$1', groupsFreshMinutes)}
       and exists (select from api_tokens t where t.user_id = u.id and t.revoked_at is null and t.expires_at > now()) limit 1`,
    [['admin']],
  )
  if (holder && !force) {
    throw new BrokerError('conflict', `${holder.name} is an active admin with a token that works`, {
      fix: 'ask them for an enrolment code, or use --force-new-token if that token is lost',
    })
  }
  const userId = (await existingAdmin(tx, name)) ?? (await createAdmin(tx, name))
  const { token } = await mintToken(tx, {
    userId,
    name: 'bootstrap',
    scopes: SCOPES,
    seconds: THIRTY_DAYS,
    by: BROKER,
    makers: [],
  })
  return token
}

async function existingAdmin(tx: Tx, name: string): Promise<string | undefined> {
  const found = await row<{ id: string; state: string; roles: string[] }>(
    tx,
    'select id, state, roles from users where lower(name) = lower($1) for update',
    [name],
  )
  if (!found) return undefined
  if (found.state === 'active' && found.roles.includes('admin')) return found.id
  throw new BrokerError('name.taken', `there is a person called ${name}, who is not an active admin`, {
    fix: 'choose another name with --name',
  })
}

async function createAdmin(tx: Tx, name: string): Promise<string> {
  const id = newId('usr')
  const roles = ['admin', 'member'] as const
  await rows(tx, 'insert into users (id, name, roles) values ($1, $2, $3)', [id, name, roles])
  await record(tx, { kind: 'user.created', actor: BROKER, subject: id, data: { name, roles } })
  return id
}
