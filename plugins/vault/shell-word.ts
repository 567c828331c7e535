/** A word as a person pastes it into a shell: in quotes where the shell would read more into it. */
export function shellWord(text: string): string {
  return /^[\w./:@%-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
