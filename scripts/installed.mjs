// Says so when node_modules is not what package-lock.json asks for, as after somebody else's new dependency.
import { readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const packagesIn = (file) => JSON.parse(readFileSync(path.join(root, file), 'utf8')).packages

/** What is missing or of another version; packages that are for other machines, or may be left out, are not looked for. */
function missingPackages() {
  const asked = Object.entries(packagesIn('package-lock.json')).filter(
    ([place, { optional, link }]) => place.includes('node_modules/') && !optional && !link,
  )
  const there = packagesIn('node_modules/.package-lock.json')
  return asked
    .filter(([place, { version }]) => there[place]?.version !== version)
    .map(([place]) => place.replace(/^.*node_modules\//, ''))
}

export function mustBeInstalled() {
  const missing = missingPackages()
  if (missing.length === 0) return
  console.error(
    `${missing.length} packages are not as package-lock.json asks (${missing.slice(0, 3).join(', ')}, …). Run "npm ci".`,
  )
  process.exit(78)
}

if (process.argv[1] === import.meta.filename) mustBeInstalled()
