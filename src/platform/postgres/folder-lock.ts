import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, rename, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import path from 'node:path'
import { BrokerError } from '../../sdk/index.ts'

/** The longest file name a lock makes in its folder; socket paths are short. */
export const LOCK_NAME_LENGTH = 'daemon-4194304-ffffff'.length

export interface FolderLock {
  release(): Promise<void>
}

/**
 * Keeps other daemons out of what the folder stands for, as long as this process lives. Each listens on a socket of its own name there, then
 * looks at the others: what answers lives, what refuses is dead and is swept up. The system closes the socket with the process, however
 * it dies; a process id written in a file would mean somebody else in the next container. Of two that start at the same moment, one at
 * most goes on.
 */
export async function lockFolder(folder: string, of: string): Promise<FolderLock> {
  const mine = `daemon-${process.pid}-${randomBytes(3).toString('hex')}`
  const draft = path.join(folder, mine.replace('daemon', 'draft'))
  const place = path.join(folder, mine)
  const server = createServer((socket) => socket.destroy()).unref()
  server.listen(draft)
  await once(server, 'listening')
  // Under its own name only once it answers, so that nobody takes it for dead.
  await rename(draft, place)
  const release = async () => {
    await rm(place, { force: true })
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  try {
    for (const other of await readdir(folder)) {
      if (other === mine || !other.startsWith('daemon-')) continue
      if (await answers(path.join(folder, other))) throw inUse(other, of)
      await rm(path.join(folder, other), { force: true })
    }
  } catch (error) {
    await release()
    throw error
  }
  return { release }
}

async function answers(socket: string): Promise<boolean> {
  const connection = connect(socket)
  try {
    await once(connection, 'connect')
    return true
  } catch (error) {
    // Anything but these two, such as a full backlog, is the answer of a living process.
    return !['ECONNREFUSED', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')
  } finally {
    connection.destroy()
  }
}

function inUse(holder: string, of: string): BrokerError {
  const pid = holder.split('-')[1]
  return new BrokerError('conflict', `another daemon, process ${pid}, is using the database in ${of}`, {
    fix: `stop it (kill ${pid}), give this one its own LATCHKEY_STATE_DIR, or let both use one PostgreSQL with DATABASE_URL`,
  })
}
