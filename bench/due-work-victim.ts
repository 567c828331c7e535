import { type ChildProcess, fork } from 'node:child_process'
import { ENGINES, type EngineName } from './due-work-engines.ts'

/** A worker of its own process that takes jobs and never finishes them. Resolves when it holds `count`. */
export function startVictim(engine: EngineName, url: string, count: number): Promise<ChildProcess> {
  const child = fork(import.meta.filename, ['hold', engine, url])
  let held = 0
  return new Promise((resolve, reject) => {
    child.on('message', () => {
      held += 1
      if (held === count) resolve(child)
    })
    child.once('exit', () => reject(new Error(`the victim of ${engine} ended by itself`)))
  })
}

const [, , role, engine, url = ''] = process.argv
if (role === 'hold') {
  process.once('disconnect', () => process.exit())
  await ENGINES[engine as EngineName](url).work((id) => {
    process.send?.(id)
    return new Promise(() => {})
  })
}
