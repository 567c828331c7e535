import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { ServerBinary } from './vault-binary.ts'
import { cacheFolder } from './vault-build.ts'
import { files } from './vault-config.ts'

/**
 * Lays an initialised, empty raft storage and its keys into `folder`. A new raft node waits one to two seconds, whatever its settings,
 * before it elects itself; one that was initialised before is active in a tenth of that. So one is kept in the cache for all throw-away
 * servers of this user and version, made by `initialiseIn` the first time.
 */
export async function layTemplate(
  binary: ServerBinary,
  folder: string,
  initialiseIn: (draft: string) => Promise<void>,
): Promise<void> {
  const template = path.join(cacheFolder(), 'initialised', `${binary.product}-${binary.version}`)
  if (!existsSync(template)) await makeTemplate(template, initialiseIn)
  for (const part of ['data', 'keys'] as const) await cp(files(template)[part], files(folder)[part], { recursive: true })
}

async function makeTemplate(template: string, initialiseIn: (draft: string) => Promise<void>): Promise<void> {
  await mkdir(path.dirname(template), { recursive: true })
  const draft = await mkdtemp(`${template}-`)
  try {
    await initialiseIn(draft)
    await rename(draft, template)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!existsSync(template)) throw error // else another process was quicker, and its is as good
  }
}
