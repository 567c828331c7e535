import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { BrokerError } from '../../sdk/index.ts'

/** The user a child process runs as; nothing set means: as ourselves. */
export interface OsUser {
  readonly uid?: number
  readonly gid?: number
  /** its name, where other services may run as it, too, and then read the database and its password */
  readonly shared?: string | undefined
}

const OWN = 'latchkey'
const SHARED = ['postgres', 'nobody']

/** PostgreSQL refuses to run as root. As root it gets `latchkey` where that user exists, else `postgres` or `nobody`, which others may be as well. */
export function postgresUser(): OsUser {
  if (process.getuid?.() !== 0) return {}
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const [user] = [OWN, ...SHARED].flatMap((wanted) => users.filter(([name]) => name === wanted))
  if (user) return { uid: Number(user[2]), gid: Number(user[3]), shared: user[0] === OWN ? undefined : user[0] }
  throw new BrokerError('unavailable', 'PostgreSQL does not run as root, and there is no user latchkey, postgres or nobody', {
    fix: 'start the broker as an ordinary user, or set DATABASE_URL',
  })
}

/** Whether that user can walk to the folder. Asked of the system, because modes are not all that decides. */
export async function canReach(folder: string, user: OsUser): Promise<boolean> {
  try {
    await promisify(execFile)('test', ['-x', folder], { ...user, cwd: '/' })
    return true
  } catch {
    return false
  }
}
