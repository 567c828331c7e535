/** A bug planted on purpose, and the tests that must notice it. */
export interface Mutant {
  /** what is wrong with the product now, as somebody would report it */
  readonly bug: string
  readonly file: string
  /** stands once in the file */
  readonly find: string
  readonly replace: string
  /** names of test files, without folder and `.test.ts` */
  readonly suites: readonly string[]
  /** only tests whose name has this, to save time */
  readonly only?: string
  /** why nothing outside can tell the difference; such a mutant is listed and not run */
  readonly equivalent?: string
}
