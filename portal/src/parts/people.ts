import { words } from '../words.ts'

interface Named {
  readonly name: string
}

/** `Bob`, `Bob or Erin`, `Bob, Erin or Dana`. */
export function listed(people: readonly Named[], last: string = words.or): string {
  const names = people.map(({ name }) => name)
  if (names.length === 0) return words.nobody
  if (names.length === 1) return names[0]!
  return `${names.slice(0, -1).join(', ')} ${last} ${names.at(-1)}`
}
