import { defineConfig } from 'vitest/config'

// What a developer's shell says about their own broker is not for the tests.
for (const name of ['DATABASE_URL', 'NODE_COMPILE_CACHE']) delete process.env[name]

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
})
