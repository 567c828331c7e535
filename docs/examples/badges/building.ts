import { type FileHandle, open, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'

/** Which doors open to which badges, and until when. */
export interface Slot {
  readonly doors: readonly string[]
  readonly badges: readonly string[]
  readonly ends: string
  /** of the broker that made it, to find it by */
  readonly label?: string
}

/** How the building refuses. */
export class BuildingError extends Error {
  /** of a slot; where the building is not there, nobody knows */
  readonly isMissing: boolean

  constructor(message: string, isMissing: boolean) {
    super(message)
    this.name = 'BuildingError'
    this.isMissing = isMissing
  }
}

/** The target of the example with its client, as a maker of locks would sell both: a folder `doors`, and a folder `slots` with files. */
export class Building {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  async doors(signal?: AbortSignal): Promise<string[]> {
    signal?.throwIfAborted()
    return answered(readdir(path.join(this.folder, 'doors')))
  }

  slots(): Promise<string[]> {
    return answered(readdir(path.join(this.folder, 'slots')))
  }

  async slot(name: string): Promise<Slot | undefined> {
    return (await this.slots()).includes(name) ? slotIn(await answered(readFile(this.#at(name), 'utf8'), 'slot')) : undefined
  }

  /** Makes a slot or replaces it. */
  async put(name: string, slot: Slot): Promise<void> {
    await this.#write(name, 'w', () => slot)
  }

  /** Changes a slot that must be there: one that was removed meanwhile is not made again. */
  async change(name: string, change: (slot: Slot) => Slot): Promise<void> {
    await this.slots()
    await this.#write(name, 'r+', change)
  }

  async remove(name: string): Promise<void> {
    await this.slots() // where there is no building, nothing was removed
    await answered(rm(this.#at(name), { force: true }))
  }

  async #write(name: string, flags: 'w' | 'r+', change: (slot: Slot) => Slot): Promise<void> {
    const file: FileHandle = await answered(open(this.#at(name), flags), flags === 'w' ? 'building' : 'slot')
    try {
      const next = JSON.stringify(change(slotIn(flags === 'w' ? '' : await file.readFile('utf8'))))
      await answered(file.truncate())
      await answered(file.write(next, 0))
    } finally {
      await file.close()
    }
  }

  #at(name: string): string {
    return path.join(this.folder, 'slots', name)
  }
}

/** A file that was not written to its end opens nothing. */
function slotIn(text: string): Slot {
  try {
    return JSON.parse(text)
  } catch {
    return { doors: [], badges: [], ends: new Date(0).toISOString() }
  }
}

function answered<Answer>(work: Promise<Answer>, of: 'building' | 'slot' = 'building'): Promise<Answer> {
  return work.catch((error: NodeJS.ErrnoException) => {
    throw new BuildingError(error.message, of === 'slot' && error.code === 'ENOENT')
  })
}
