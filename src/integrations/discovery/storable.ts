import { type AnyPlugin, type DiscoveredResource, type DiscoveryPage, storable as storableText } from '../../sdk/index.ts'

/** An index entry of PostgreSQL holds 2,704 bytes. */
const LONGEST_NAME = 2_000

/** A page without what cannot be stored, each with its reason; a single odd name must not end the walk. */
export function storable(plugin: AnyPlugin, page: DiscoveryPage): DiscoveryPage {
  const types = new Set(plugin.resourceTypes.map(({ id }) => id))
  const reasons = page.resources.map((resource) => flawOf(resource, types))
  if (reasons.every((reason) => reason === undefined)) return page
  return {
    ...page,
    resources: page.resources.filter((_resource, index) => reasons[index] === undefined),
    notices: [...(page.notices ?? []), ...reasons.filter((reason) => reason !== undefined)],
  }
}

function flawOf({ type, name }: DiscoveredResource, types: ReadonlySet<string>): string | undefined {
  if (!types.has(type)) return `${shortly(name)} is of an unknown type ${shortly(type)} and was left out`
  if (name === '' || name.includes('\u0000') || !name.isWellFormed()) return `${shortly(name)} is not text and was left out`
  if (name.length * 3 > LONGEST_NAME && Buffer.byteLength(name) > LONGEST_NAME) {
    return `${shortly(name)} is longer than ${LONGEST_NAME} bytes and was left out`
  }
  return undefined
}

/** Quoted, short, and fit to be stored itself. */
function shortly(text: string): string {
  return JSON.stringify(storableText(text.slice(0, 80)))
}
