/** How soon the same question is asked again: of what is on its way, and of everything else. */
export const SOON_MS = 2_000
export const LATER_MS = 15_000

/** How much of a list is asked for at once. */
export const PAGE = 20

/** How a list is read on. */
export const pageByPage = {
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page: { readonly next: string | null }) => page.next ?? undefined,
}
