import { globSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { requestMachine } from '../../src/approvals/requests/request-machine.ts'
import { PARTS } from '../../src/audit/kinds/kind.ts'
import { KINDS } from '../../src/audit/kinds.ts'
import { grantMachine } from '../../src/grants/grant-machine.ts'
import { messageFor } from '../../src/notifications/words.ts'
import { dataInWords } from '../support/data-in-words.ts'

const root = path.resolve(import.meta.dirname, '../..')
const page = path.join(root, 'docs/events.md')
const HEAD = '| event | subject | meaning | data | told |\n|---|---|---|---|---|\n'
const table = Object.entries(KINDS).map(
  ([kind, { subject, meaning, data, tells }]) =>
    `| \`${kind}\` | ${subject} | ${meaning} | ${dataInWords(data)} | ${tells.join(', ')} |`,
)

describe('docs/events.md', () => {
  it('lists the events there are, with subject, meaning, data and who is told: UPDATE_EVENTS=1 writes it', () => {
    const [before = ''] = readFileSync(page, 'utf8').split(HEAD)
    if (process.env['UPDATE_EVENTS']) writeFileSync(page, `${before}${HEAD}${table.join('\n')}\n`)
    expect(readFileSync(page, 'utf8')).toBe(`${before}${HEAD}${table.join('\n')}\n`)
  })

  it('says who everybody is that is told', () => {
    const rows = [...readFileSync(page, 'utf8').matchAll(/^\| (\w+) \| [^|]+ \|$/gm)]
    const explained = rows.map(([, part]) => part)
    expect(PARTS.filter((part) => !explained.includes(part))).toEqual([])
  })
})

/** Kinds that end in a state are written `request.${to}`; the compiler holds them to these. */
const BY_STATE: Readonly<Record<string, readonly string[]>> = {
  request: reached(requestMachine.arrows),
  grant: reached(grantMachine.arrows),
  proposal: ['accepted', 'performed', 'failed', 'declined', 'withdrawn', 'lapsed'],
  discovery: ['completed', 'incomplete', 'failed'],
  credential: ['collected', 'ended'],
}

describe('every event', () => {
  // Words for an event are not its happening.
  const sources = globSync('src/**/*.ts', { cwd: root }).filter((file) => !/audit\/kinds|notifications\/words/.test(file))
  const text = sources.map((file) => readFileSync(path.join(root, file), 'utf8')).join('\n')

  it('is written somewhere', () => {
    const isWritten = (kind: string) => {
      const [family = '', state = ''] = kind.split('.')
      return text.includes(`'${kind}'`) || (BY_STATE[family]?.includes(state) && text.includes(`\`${family}.\${`))
    }
    expect(Object.keys(KINDS).filter((kind) => !isWritten(kind))).toEqual([])
  })

  it('that people are told of has words of its own', () => {
    const told = Object.entries(KINDS).filter(([, { tells }]) => tells.length > 0)
    const wordless = told.filter(([kind, { tells }]) => {
      const event = { id: 'aud_1', at: new Date(0), kind, actor: 'broker', subject: 'the subject', data: {} }
      const part = tells.find((one) => one !== 'decide') ?? tells[0]!
      return messageFor(event, part, undefined, new Map()).subject.startsWith(kind.replace(/[._]/g, ' '))
    })
    expect(wordless.map(([kind]) => kind)).toEqual([])
  })
})

/** The states that an arrow leads to: what makes an event of its own. */
function reached(arrows: Readonly<Record<string, Readonly<Record<string, string>>>>): string[] {
  return Object.values(arrows).flatMap((row) => Object.values(row))
}
