import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { rotateKvSecret } from '../../plugins/vault/actions/rotate-kv-secret.ts'
import { plugins } from '../../src/catalog/plugins.ts'
import { type AnyAction, isReversible } from '../../src/sdk/index.ts'
import { testFiles } from '../support/test-files.ts'

const LIBRARY = /^import \{([^}]+)\} from '(\.[^']+)'$/gm
const TRIED = /^\s+action: (\w+),$/gm
const PLUGINS_TRIED = /^import \{ (\w+) \} from '[./]+\/plugins\/\w+\/index\.ts'$/m

describe('the way back of each action', () => {
  it.each(plugins.map((plugin) => ({ id: plugin.manifest.id, plugin })))(
    'of $id is tried by the suite of what every reversible action promises',
    async ({ plugin }) => {
      expect(plugin.actions?.length).toBeGreaterThan(0)
      expect(untried(plugin.actions ?? [], await triedActions()).map(({ name }) => name)).toEqual([])
    },
  )

  it.each(plugins.map((plugin) => ({ id: plugin.manifest.id, plugin })))(
    'of access through $id is tried by the suite of what every plugin promises',
    async ({ plugin }) => {
      const found: unknown[] = []
      for (const { file, text } of filesCalling('describePlugin(')) {
        const name = PLUGINS_TRIED.exec(text)?.[1]
        const index = /from '([./]+\/plugins\/\w+\/index\.ts)'/.exec(text)?.[1]
        if (name && index) found.push((await load(file, index))[name])
      }
      expect(found).toContain(plugin)
    },
  )

  it('is missed of an action that no test tries, and of no other', async () => {
    const unknown = { ...rotateKvSecret, name: 'brand-new' } as AnyAction<unknown>
    const { rollback: _, verifyGone: __, outlook: ___, ...forward } = rotateKvSecret
    const irreversible = { ...forward, name: 'for-good', irreversible: 'it is gone' } as AnyAction<unknown>
    expect(untried([unknown, irreversible, rotateKvSecret as AnyAction<unknown>], await triedActions())).toEqual([unknown])
  })
})

function untried<Client>(actions: readonly AnyAction<Client>[], tried: ReadonlySet<unknown>): AnyAction<Client>[] {
  return actions.filter((action) => isReversible(action) && !tried.has(action))
}

/** What the files that call the suite give it as `action`, by the very thing that they import. */
async function triedActions(): Promise<ReadonlySet<unknown>> {
  const tried = new Set<unknown>()
  for (const { file, text } of filesCalling('describeReversible(')) {
    const from = new Map(
      [...text.matchAll(LIBRARY)].flatMap(([, names, where]) => names!.split(',').map((name) => [name.trim(), where!])),
    )
    for (const [, name] of text.matchAll(TRIED)) {
      const where = from.get(name!)
      if (where) tried.add((await load(file, where))[name!])
    }
  }
  return tried
}

function filesCalling(suite: string): { file: string; text: string }[] {
  return [...testFiles().values()]
    .filter((file) => file.endsWith('.test.ts') && path.resolve(file) !== import.meta.filename)
    .map((file) => ({ file, text: readFileSync(file, 'utf8') }))
    .filter(({ text }) => text.includes(suite))
}

async function load(from: string, where: string): Promise<Record<string, unknown>> {
  return import(path.resolve(path.dirname(from), where))
}
