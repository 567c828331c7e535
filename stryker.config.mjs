/** How bugs are planted in pure rules. Which files, and how many may go unnoticed: test/mutants/rule-groups.ts and rules.ts. */
export default {
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.rules.config.ts' },
  plugins: ['@stryker-mutator/vitest-runner', './test/mutants/words-for-people.mjs'],
  ignorers: ['words-for-people'],
  coverageAnalysis: 'perTest',
  concurrency: 1,
  timeoutMS: 10_000,
  // TypeScript 7 has no API that Stryker could rewrite a tsconfig with, and none needs rewriting.
  tsconfigFile: 'none',
  ignorePatterns: ['dist', 'tools', 'docs', 'bench', '.latchkey'],
  reporters: ['json'],
  jsonReporter: { fileName: process.env.LATCHKEY_RULE_REPORT ?? '.stryker/report.json' },
  tempDirName: '.stryker/tmp',
}
