import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { needCompiled } from './compiled.ts'
import type { Mutant } from './mutant.ts'

const run = promisify(execFile)
const ROOT = path.resolve(import.meta.dirname, '../..')

export interface Copy {
  readonly folder: string
  /** takes out what was planted before and plants this bug. Throws when its text does not stand there exactly once. */
  plant(mutant: Mutant): Promise<void>
  /** takes out what was planted; compiles when these suites start the compiled daemon */
  clean(suites: readonly string[]): Promise<void>
  remove(): Promise<void>
}

/** A copy of the work tree in which bugs can be planted while the tree itself stays as it is. */
export async function makeCopy(): Promise<Copy> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'latchkey-mutant-'))
  await chmod(folder, 0o711) // as root the database runs as another user, who must get there
  const listed = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    maxBuffer: 16 << 20,
  })
  for (const name of listed.stdout.split('\0').filter(Boolean)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true })
    await copyFile(path.join(ROOT, name), path.join(folder, name))
  }
  await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'))
  let planted: { readonly place: string; readonly text: string } | undefined
  const restore = async () => {
    if (planted) await writeFile(planted.place, planted.text)
    planted = undefined
  }
  return {
    folder,
    async plant(mutant) {
      await restore()
      const place = path.join(folder, mutant.file)
      const text = await readFile(place, 'utf8')
      const wrong = mutated(mutant, text)
      planted = { place, text }
      await writeFile(place, wrong)
      if (needCompiled(mutant.suites)) await compile(folder)
    },
    async clean(suites) {
      await restore()
      if (needCompiled(suites)) await compile(folder)
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

// Types are not asked: a bug that the compiler would notice is one that its author would have silenced.
async function compile(folder: string): Promise<void> {
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--noCheck'], { cwd: folder })
  await writeFile(path.join(folder, 'dist/.built'), '')
}

/** The file's text with the bug in it. */
export function mutated({ bug, file, find, replace }: Mutant, text: string): string {
  const times = text.split(find).length - 1
  if (times !== 1) throw new Error(`“${bug}”: its text stands ${times} times in ${file}; it has to stand there once`)
  return text.replace(find, () => replace)
}
