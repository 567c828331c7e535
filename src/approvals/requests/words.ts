/** "north/archive and 2 more". */
export function namesOf(resources: readonly { readonly name: string }[]): string {
  const first = resources[0]?.name ?? 'nothing'
  return resources.length > 1 ? `${first} and ${resources.length - 1} more` : first
}
