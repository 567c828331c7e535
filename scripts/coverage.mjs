// Compares docs/coverage.md with what the tests came to: node scripts/coverage.mjs <vitest's JSON report> [docs/coverage.md]
// A row that names a test which did not run, was skipped on every server, or failed on any, is not shown.
import { readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const [reportFile, pageFile = path.join(root, 'docs/coverage.md')] = process.argv.slice(2)
if (!reportFile) {
  console.error('which report? npm test -- --reporter=json --outputFile.json=report.json writes one')
  process.exit(2)
}

/** file without its folder and `.test.ts` → its tests in every project */
const ran = new Map()
for (const { name, assertionResults } of JSON.parse(readFileSync(reportFile, 'utf8')).testResults) {
  const file = path.basename(name, '.test.ts')
  ran.set(file, [...(ran.get(file) ?? []), ...assertionResults])
}

const page = readFileSync(pageFile, 'utf8').split('## Not shown yet')[0] ?? ''
const complaints = []
let shown = 0
for (const line of page.split('\n')) {
  const [, row = '', ...cells] = line.split('|').map((cell) => cell.trim())
  if (!/^[A-Z]\d?-\d+$/.test(row)) continue
  const references = [...cells.join(' ').matchAll(/`([\w/-]+) › ([^`]+)`/g)]
  if (references.length === 0) complaints.push(`${row} names no test`)
  for (const [, file, words] of references) {
    const tests = (ran.get(file) ?? []).filter(({ fullName }) => pattern(words).test(fullName))
    const states = new Set(tests.map(({ status }) => status))
    if (tests.length === 0) complaints.push(`${row}: no test of ${file} is called “${words}”`)
    else if (states.has('failed')) complaints.push(`${row}: ${file} › ${words} failed`)
    else if (!states.has('passed')) complaints.push(`${row}: ${file} › ${words} did not run`)
    else shown += 1
  }
}
for (const complaint of complaints) console.error(complaint)
console.log(`${shown} references of docs/coverage.md are tests that passed, ${complaints.length} are not`)
process.exit(complaints.length === 0 && shown > 0 ? 0 : 1)

/** The words as they stand in the source, where `%s` and `$name` are filled in for each case. */
function pattern(words) {
  const parts = words.split(/%[sdifjop]|\$\{?[\w.]+\}?/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(parts.join('.*'))
}
