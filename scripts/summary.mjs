// What the tests came to, in few lines: node scripts/summary.mjs <vitest's JSON report>
// Names what failed, what passed only at a second try (a race, in a test or in the broker), and which files took longest.
import { readFileSync } from 'node:fs'
import path from 'node:path'

const LONGEST = 12
const MOST = 40

const [reportFile] = process.argv.slice(2)
if (!reportFile) {
  console.error('which report? npm test -- --reporter=json --outputFile.json=report.json writes one')
  process.exit(2)
}
const { testResults } = JSON.parse(readFileSync(reportFile, 'utf8'))
const root = path.resolve(import.meta.dirname, '..')

const failed = []
const flaky = []
for (const { name, status, message, assertionResults } of testResults) {
  const file = path.relative(root, name)
  if (status === 'failed' && assertionResults.length === 0) failed.push(`${file}: ${firstLine(message)}`)
  for (const test of assertionResults) {
    const line = `${file} › ${test.fullName}: ${firstLine(test.failureMessages[0])}`
    if (test.status === 'failed') failed.push(line)
    else if (test.status === 'passed' && test.failureMessages.length > 0) flaky.push(line)
  }
}

const seconds = ({ startTime, endTime }) => Math.round((endTime - startTime) / 1000)
const longest = testResults.toSorted((a, b) => seconds(b) - seconds(a)).slice(0, LONGEST)
print(
  'longest',
  longest.map((one) => `${seconds(one)} s  ${path.relative(root, one.name)}`),
)
print('passed at the second try', flaky)
print('failed', failed)

function print(what, lines) {
  if (lines.length === 0) return
  console.log(`\n${what}:`)
  for (const line of lines.slice(0, MOST)) console.log(`  ${line}`)
  if (lines.length > MOST) console.log(`  and ${lines.length - MOST} more`)
}

function firstLine(text = '') {
  return (text.split('\n')[0] ?? '').slice(0, 300)
}
