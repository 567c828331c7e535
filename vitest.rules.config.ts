import { defineConfig } from 'vitest/config'

/** The tests of pure rules: neither a database nor a server. Mutation tests run these and no others. */
export default defineConfig({ test: { pool: 'threads', maxWorkers: 1, include: ['test/rules/**/*.test.ts'] } })
