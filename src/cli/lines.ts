/** Text that somebody else chose, made safe for a terminal: what could move the cursor or hide a word becomes visible. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, (character) =>
    character === '\n' ? '⏎' : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}

/** Columns that stand below each other, a heading over each. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = [headings, ...rows.map((row) => row.map(plain))]
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** One fact a line; what is not known is left out. */
export function facts(known: Readonly<Record<string, string | number | null | undefined>>): string[] {
  const given = Object.entries(known).filter(([, value]) => value !== null && value !== undefined && value !== '')
  const width = Math.max(...given.map(([label]) => label.length))
  return given.map(([label, value]) => `${label.padEnd(width)}  ${plain(String(value))}`)
}

/** The answer of a command as JSON, whole. */
export function json(answer: unknown): string {
  return JSON.stringify(answer, undefined, 2)
}
