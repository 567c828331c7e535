export interface ConfigProblem {
  readonly variable: string
  readonly problem: string
  readonly fix: string
}

/** Everything that is wrong with the environment, in one go. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(['The configuration has problems:', ...problems.map((p) => `  ${p.variable} ${p.problem}: ${p.fix}`)].join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}
