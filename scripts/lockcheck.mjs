// Lists optional dependencies that lock entries name but the lock does not hold: `npm ci` would refuse such a lock.
import { readFileSync } from 'node:fs'

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
const entries = Object.entries(lock.packages)
const known = new Set(entries.map(([place]) => place.replace(/^.*node_modules\//, '')))
const missing = entries.flatMap(([place, entry]) =>
  Object.keys(entry.optionalDependencies ?? {})
    .filter((name) => !known.has(name))
    .map((name) => `${place || '(root)'} -> ${name}`),
)
const resolved = entries.filter(([, entry]) => entry.resolved?.startsWith('http')).length
for (const line of missing) console.error(line)
if (resolved > 0) console.error(`${resolved} lock entries name a registry host`)
process.exit(missing.length + resolved === 0 ? 0 : 1)
