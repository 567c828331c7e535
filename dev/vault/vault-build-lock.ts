import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

const BUSY = 5 // SQLITE_BUSY

/**
 * Runs `work` while no other process does, by SQLite's lock on `file`: the kernel frees it with its owner, so a process that was killed
 * leaves nothing behind that somebody would have to judge dead. `onWait` is called once, if there is something to wait for.
 */
export async function withBuildLock<T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  const lock = new DatabaseSync(file, { timeout: 0 })
  try {
    for (let tries = 0; !taken(lock); tries++) {
      if (tries === 0) onWait()
      await sleep(100)
    }
    return await work()
  } finally {
    lock.close()
  }
}

function taken(lock: DatabaseSync): boolean {
  try {
    lock.exec('begin exclusive')
    return true
  } catch (error) {
    if ((error as { errcode?: number }).errcode === BUSY) return false
    throw error
  }
}
