import { chmod, chown, lstat, mkdir, mkdtemp, readlink, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { BrokerError } from '../../sdk/index.ts'
import { LOCK_NAME_LENGTH } from './folder-lock.ts'
import { canReach, type OsUser } from './os-user.ts'

export interface PostgresFolder {
  /** holds the cluster, the log, copied binaries */
  readonly home: string
  /** holds sockets; its path is short */
  readonly run: string
}

// 104 bytes with the final zero on macOS, 108 on Linux.
const LONGEST_RUN_PATH = 103 - 1 - LOCK_NAME_LENGTH
const ELSEWHERE = '/var/lib/latchkey'

type Log = (message: string) => void

/** Makes the folders the server lives in, for the user it runs as. */
export async function postgresFolder(dir: string, user: OsUser, log: Log): Promise<PostgresFolder> {
  await mkdir(dir, { recursive: true, mode: 0o711 })
  const home = (await canReach(dir, user)) ? dir : await homeElsewhere(dir, log)
  const run = await runFolder(path.join(home, 'run'), user)
  const uid = await settledOwner(run, owner(user))
  if (uid === owner(user)) return { home, run }
  throw new BrokerError(
    'unavailable',
    `${home} belongs to the user with id ${uid}; the database server would run as ${owner(user)}`,
    {
      fix: 'start the broker as the user it was first started as, give the folder to the other (chown -R), or name another LATCHKEY_STATE_DIR',
    },
  )
}

/** Of two that start at once, one may look between the other's making the folder and giving it away. */
async function settledOwner(folder: string, expected: number | undefined): Promise<number> {
  for (let looks = 0; ; looks++) {
    const { uid } = await lstat(folder)
    if (uid === expected || looks === 20) return uid
    await pause(25)
  }
}

export async function give(place: string, { uid, gid }: OsUser): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(place, uid, gid)
}

async function runFolder(place: string, user: OsUser): Promise<string> {
  if (Buffer.byteLength(place) > LONGEST_RUN_PATH) return shortFolder(place, user)
  try {
    await mkdir(place, { mode: 0o700 })
    await give(place, user)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return place
}

/** Started by root below a closed folder such as /root, where the server's user cannot go. The link keeps the two together. */
async function homeElsewhere(dir: string, log: Log): Promise<string> {
  const home = await behind(path.join(dir, 'elsewhere'), async () => {
    await mkdir(ELSEWHERE, { recursive: true, mode: 0o711 })
    const made = await mkdtemp(path.join(ELSEWHERE, 'postgres-'))
    await chmod(made, 0o711)
    return made
  })
  if (!(await isFolder(home))) {
    throw new BrokerError('unavailable', `the database of ${dir} was kept in ${home}, which is gone`, {
      fix: `restore ${home}, or remove ${dir} to begin with an empty database`,
    })
  }
  log(`the database is kept in ${home}, because the user the database server runs as cannot reach ${dir}`)
  return home
}

async function shortFolder(link: string, user: OsUser): Promise<string> {
  // Systems empty /tmp, and then anybody may have taken the name.
  const known = await readlink(link).catch(() => undefined)
  if (known !== undefined && (await lstat(known).catch(() => undefined))?.uid !== owner(user)) await rm(link)
  return behind(link, async () => {
    const made = await mkdtemp('/tmp/latchkey-')
    await give(made, user)
    return made
  })
}

/** What the link points at, making both when there is no link. Of two that try, one wins. */
async function behind(link: string, make: () => Promise<string>): Promise<string> {
  const known = await readlink(link).catch(() => undefined)
  if (known !== undefined) return known
  const made = await make()
  try {
    await symlink(made, link)
    return made
  } catch (error) {
    await rm(made, { recursive: true })
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return readlink(link)
  }
}

function isFolder(place: string): Promise<boolean> {
  return lstat(place).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

function owner(user: OsUser): number | undefined {
  return user.uid ?? process.getuid?.()
}
