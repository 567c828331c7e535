import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // What a developer's shell says about their own broker is not for the tests.
    env: { DATABASE_URL: undefined, NODE_COMPILE_CACHE: undefined },
  },
})
