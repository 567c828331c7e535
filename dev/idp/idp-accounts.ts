export interface DevelopmentAccount {
  readonly name: string
  readonly email: string
  readonly groups: readonly string[]
  readonly department?: string
  /** the manager's subject */
  readonly manager?: string
}

/** A company of four. Their subjects are their first names. */
export const DEVELOPMENT_ACCOUNTS: Readonly<Record<string, DevelopmentAccount>> = {
  alice: {
    name: 'Alice Ames',
    email: 'alice@example.test',
    groups: ['engineering'],
    department: 'payments',
    manager: 'bob',
  },
  bob: { name: 'Bob Baker', email: 'bob@example.test', groups: ['engineering', 'approvers'], department: 'payments' },
  carol: { name: 'Carol Clark', email: 'carol@example.test', groups: ['payments'], department: 'payments', manager: 'bob' },
  dana: { name: 'Dana Drew', email: 'dana@example.test', groups: ['admins'], department: 'security' },
}

/** What the provider says of them. */
export function claimsOf(accounts: ReadonlyMap<string, DevelopmentAccount>, subject: string) {
  const { name, email, groups, department, manager } = accounts.get(subject)!
  return {
    sub: subject,
    name,
    preferred_username: subject,
    email,
    email_verified: true,
    groups: [...groups],
    ...(department === undefined ? {} : { department }),
    ...(manager === undefined ? {} : { manager }),
  }
}
