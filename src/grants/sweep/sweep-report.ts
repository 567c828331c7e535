/** What a sweep found in one target. */
export interface SweepReport {
  /** ours, known to nobody: removed */
  readonly removed: string[]
  /** stands where only ours should, and is not ours: left alone */
  readonly foreign: string[]
  /** ours, but it could not be removed; the next sweep tries again */
  readonly left: string[]
  /** grants whose pieces were changed by somebody else: being revoked */
  readonly altered: string[]
  /** the same, but too many at once to be ended before somebody, or a later sweep, has confirmed it */
  readonly suspected: string[]
}
