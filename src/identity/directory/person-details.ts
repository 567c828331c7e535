import { Injectable } from '@nestjs/common'
import type { IdentityView, UserDetails, UserView } from '../../contract/identity.ts'
import { Database, row, rows } from '../../platform/postgres/database.ts'

interface Described {
  readonly attributes: UserDetails['attributes']
  readonly changedAt: Date
  readonly facts: Readonly<Record<string, unknown>> & { readonly attributes?: Readonly<Record<string, unknown>> }
  readonly managerId: UserDetails['id'] | null
  readonly managerName: string
  readonly managerUserName: string | null
}

type Fact = UserDetails['facts'][number]

/** What is known of somebody beyond their name, who said it, and when. */
@Injectable()
export class PersonDetails {
  constructor(private readonly database: Database) {}

  async of(user: UserView): Promise<UserDetails> {
    const { pool } = this.database
    const described = (await row<Described>(
      pool,
      `select u.attributes, u.changed_at as "changedAt", u.facts, m.id as "managerId", m.name as "managerName",
         coalesce(m.user_name, m.sign_in_name) as "managerUserName"
       from users u left join users m on m.id = u.manager_id where u.id = $1`,
      [user.id],
    ))!
    const groups = await rows<UserDetails['groups'][number] & { confirmedAt: Date | null }>(
      pool,
      `select g.id, g.name, g.source, m.confirmed_at as "confirmedAt"
       from group_members m join groups g on g.id = m.group_id where m.user_id = $1 order by lower(g.name), g.id`,
      [user.id],
    )
    const { managerId, managerName, managerUserName } = described
    return {
      ...user,
      attributes: described.attributes,
      manager: managerId && { id: managerId, name: managerName, userName: managerUserName },
      groups: groups.map((one) => ({ ...one, confirmedAt: one.confirmedAt?.toISOString() ?? null })),
      facts: factsOf(user, described),
      identities: await this.identities(user.id),
    }
  }

  /** Newest word first. */
  async identities(userId: string): Promise<IdentityView[]> {
    const found = await rows<
      IdentityView & {
        confirmedAt: Date
        signedInAt: Date | null
        groupsToldAt: Date | null
        untold: string | null
        untoldAt: Date
      }
    >(
      this.database.pool,
      `select issuer, subject, user_name as "userName", confirmed_at as "confirmedAt",
         signed_in_at as "signedInAt", groups_said_at as "groupsToldAt",
         case when groups_untold_at > coalesce(groups_said_at, '-infinity') then groups_untold end as untold,
         groups_untold_at as "untoldAt", groups_refused as "groupsRefused"
       from identities where user_id = $1 order by confirmed_at desc, issuer`,
      [userId],
    )
    return found.map(({ untold, untoldAt, confirmedAt, signedInAt, groupsToldAt, ...one }) => ({
      ...one,
      confirmedAt: confirmedAt.toISOString(),
      signedInAt: signedInAt?.toISOString() ?? null,
      groupsToldAt: groupsToldAt?.toISOString() ?? null,
      groupsUntold: untold === null ? null : { why: untold, at: untoldAt.toISOString() },
    }))
  }
}

/** Of a person SCIM or an admin describes, everything was said when it was last changed. */
function factsOf({ source, email, userName }: UserView, { facts, attributes, changedAt }: Described): Fact[] {
  if (source !== 'sign_in') {
    const known = [
      'name',
      ...(userName === null ? [] : ['userName']),
      ...(email === null ? [] : ['email']),
      ...Object.keys(attributes),
    ]
    return known.map((fact) => ({ fact, source, at: changedAt.toISOString() }))
  }
  const { attributes: ofAttributes = {}, ...others } = facts
  return Object.entries({ ...others, ...ofAttributes }).map(([fact, said]) => ({ fact, ...(said as Omit<Fact, 'fact'>) }))
}
