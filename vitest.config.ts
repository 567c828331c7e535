import path from 'node:path'
import { defineConfig } from 'vitest/config'
import { hasPrevious, productsUnderTest } from './dev/vault/vault-binary.ts'
import { filesThatNeedServer } from './test/needs-server.ts'

// What a developer's shell says about their own broker is not for the tests.
for (const name of ['DATABASE_URL', 'NODE_COMPILE_CACHE']) delete process.env[name]

const onServers = filesThatNeedServer(path.resolve(import.meta.dirname, 'test')).map((file) => `test/${file}`)

/** What of them runs on OpenBao's previous minor version besides: what the plugin does there, and a whole journey. */
const onPrevious = onServers.filter((file) =>
  /^test\/(plugins\/vault\/(?!action-rights|lost-answers)|grants\/journey)/.test(file),
)
const isPreviousAlone = process.env['LATCHKEY_SERVER'] === 'openbao-previous'

/** Files that need a server run once on each product; the others once. */
export default defineConfig({
  test: {
    pool: 'forks',
    // One more than the machine that checks everything has cores: half of a story's time it waits for clocks and servers.
    maxWorkers: 3,
    // Ends what hangs; on a loaded machine a story takes many times as long as on a quiet one.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    globalSetup: ['test/global-setup.ts'],
    projects: [
      { extends: true, test: { name: 'broker', include: ['test/**/*.test.ts'], exclude: onServers } },
      ...(isPreviousAlone ? [] : await productsUnderTest()).map((product) => ({
        extends: true as const,
        test: { name: product, include: onServers, env: { LATCHKEY_SERVER: product } },
      })),
      ...(hasPrevious() ? ['openbao-previous'] : []).map((name) => ({
        extends: true as const,
        test: { name, include: onPrevious, env: { LATCHKEY_SERVER: name } },
      })),
    ],
  },
})
