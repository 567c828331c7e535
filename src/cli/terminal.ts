/** What a command may touch of the world. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv
  /** standard output: what a script wants to have */
  print(line: string): void
  /** standard error: what a person wants to know */
  tell(line: string): void
  /** standard input, unless given */
  readonly input?: NodeJS.ReadableStream
}
