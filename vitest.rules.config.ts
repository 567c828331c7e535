import { defineConfig } from 'vitest/config'

const tests = process.env['LATCHKEY_RULE_TESTS']?.split(',') ?? ['test/rules/**/*.test.ts']

/** The tests of pure rules: neither a database nor a server. Mutation tests run these and no others. */
export default defineConfig({ test: { pool: 'threads', maxWorkers: 1, include: tests } })
