import { record } from '../../audit/record.ts'
import type { Role } from '../../contract/identity.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { HOWEVER_OLD_MINUTES, hasRole, rolesOf } from './membership.ts'

type Held = ReadonlyMap<string, readonly Role[]>

/** All but `member`, which everybody is. */
const TOLD: readonly Role[] = ['admin', 'owner', 'approver', 'auditor']

/**
 * Does what may take system roles away, by whatever road, and writes down of each person who is still here which they have lost.
 * @param of the one person that it can concern; everybody, unless given
 */
export async function notingLostRoles<T>(tx: Tx, actor: string, work: () => Promise<T>, of?: string): Promise<T> {
  const before = await rolesHeld(tx, of)
  const result = await work()
  const after = await rolesHeld(tx, of)
  const lost = new Map([...before].map(([id, roles]) => [id, roles.filter((role) => !after.get(id)?.includes(role))]))
  const gone = [...lost].filter(([, roles]) => roles.length > 0).map(([id]) => id)
  const here = await rows<{ id: string }>(tx, `select id from users where id = any($1) and state = 'active' order by id`, [gone])
  await record(
    tx,
    ...here.map(({ id }) => ({
      kind: 'person.roles_lost' as const,
      actor,
      subject: id,
      data: { roles: lost.get(id)! },
    })),
  )
  return result
}

/** A membership that has grown old was not lost: it counts again with the next sign-in. */
async function rolesHeld(tx: Tx, of: string | undefined): Promise<Held> {
  const found = await rows<{ id: string; roles: Role[] }>(
    tx,
    `select id, ${rolesOf(HOWEVER_OLD_MINUTES)} as roles from users u
     where state = 'active' and ($2::text is null or id = $2) and ${hasRole('$1', HOWEVER_OLD_MINUTES)}`,
    [TOLD, of ?? null],
  )
  return new Map(found.map(({ id, roles }) => [id, roles.filter((role) => TOLD.includes(role))]))
}
