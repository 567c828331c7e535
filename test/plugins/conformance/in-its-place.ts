import path from 'node:path'
import type { AnyAction, AnyPlugin } from '../../../src/sdk/index.ts'

/** What is wrong with trying this plugin in a test of this file: the folder says whose suite it is, and the catalog what people get. */
export function misplaced(file: string, tried: AnyPlugin, catalog: readonly AnyPlugin[]): string[] {
  const { id } = tried.manifest
  const folder = folderOf(file)
  if (folder !== id) return [`test/plugins/${folder} tries the plugin ${id}, whose suite belongs in test/plugins/${id}`]
  const inCatalog = catalog.find(({ manifest }) => manifest.id === id)
  if (!inCatalog) return []
  // A world may put something between the plugin and its target, which counts requests.
  const parts = [...new Set([...Object.keys(inCatalog), ...Object.keys(tried)])].filter((part) => part !== 'connect')
  return parts
    .filter((part) => partOf(tried, part) !== partOf(inCatalog, part))
    .map((part) => `the ${part} that is tried is not that of ${id} in src/catalog/plugins.ts: only connect may be another`)
}

/** The same of an action with an undo, whose name the file has. */
export function misplacedAction(file: string, tried: { readonly name: string }, catalog: readonly AnyPlugin[]): string[] {
  const folder = folderOf(file)
  if (path.basename(file) !== `${tried.name}.test.ts`)
    return [`${path.basename(file)} tries ${tried.name}, whose suite belongs in test/plugins/${folder}/${tried.name}.test.ts`]
  const actions: readonly AnyAction<never>[] = catalog.find(({ manifest }) => manifest.id === folder)?.actions ?? []
  return actions.some((action) => (action as unknown) === tried)
    ? []
    : [`${tried.name} is none of the actions of ${folder} in src/catalog/plugins.ts`]
}

function folderOf(file: string): string {
  return path.basename(path.dirname(file))
}

function partOf(plugin: AnyPlugin, part: string): unknown {
  return (plugin as unknown as Record<string, unknown>)[part]
}
