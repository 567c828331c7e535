/** A token that is not what it must be. Its `reason` is for the trail, never for the caller who brought it. */
export class TokenRefused extends Error {
  readonly code: string
  /** the person the provider signed it for; undefined while nothing is proved */
  readonly subject: string | undefined

  constructor(code: string, cause?: unknown, subject?: unknown) {
    super(`a token was refused: ${code}`, { cause })
    this.name = 'TokenRefused'
    this.code = code
    this.subject = typeof subject === 'string' ? subject : undefined
  }
}
