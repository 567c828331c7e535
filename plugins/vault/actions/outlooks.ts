import type { Outlook } from '../../../src/sdk/index.ts'

export function noWayBack({ because, fix }: { readonly because: string; readonly fix?: string | undefined }): Outlook {
  return { isPossible: false, because, ...(fix !== undefined && { fix }), restores: [] }
}

/** Of several steps in one: possible when each is, with the gravest reason, and until the first of them is not any more. */
export function inOne(found: readonly Outlook[]): Outlook {
  const worst = found.find(({ isPossible }) => !isPossible) ?? found.find(({ because }) => because !== undefined)
  const until = found.flatMap((each) => each.until ?? []).toSorted((a, b) => Date.parse(a) - Date.parse(b))[0]
  return {
    isPossible: found.every(({ isPossible }) => isPossible),
    ...(worst?.because && { because: worst.because }),
    ...(worst?.fix && { fix: worst.fix }),
    ...(until && { until }),
    restores: found.flatMap(({ restores }) => restores),
  }
}
