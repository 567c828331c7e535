import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { requestMachine } from '../../src/approvals/requests/request-machine.ts'
import { KINDS } from '../../src/audit/kinds.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { readConfig } from '../../src/config/read-config.ts'
import { ROLES, SCOPES } from '../../src/contract/identity.ts'
import { grantMachine } from '../../src/grants/grant-machine.ts'

/** Every page of ours, wherever it stands. */
const PAGES = ['*.md', '{docs,vault,test}/**/*.md']

const page = (name: string) => readFileSync(path.resolve(import.meta.dirname, '../../docs', name), 'utf8')

/** The variables in the first column of the page's tables. */
function documented(name: string): string[] {
  const cells = page(name).matchAll(/^\| (`[^|]+) \|/gm)
  const names = [...cells].flatMap(([, cell = '']) => [...cell.matchAll(/`((?:LATCHKEY|DATABASE)_[A-Z_]+)`/g)])
  return [...new Set(names.map(([, variable = '']) => variable))].sort()
}

/** The broker names what it knows to a caller who sets something else. */
function known(): string[] {
  try {
    readConfig({ LATCHKEY_NONSENSE: '1' })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return (error.problems[0]?.fix.match(/(?:LATCHKEY|DATABASE)_[A-Z_]+/g) ?? []).sort()
  }
  return []
}

describe('the manual', () => {
  it('has every variable of the broker in a table, and no other', () => {
    expect(known().length).toBeGreaterThan(30)
    expect(documented('operations.md')).toEqual(known())
  })

  it('speaks of no variable that there is not', () => {
    const pages = ['operations.md', 'security.md', 'integrations/identity-provider.md', 'integrations/vault.md']
    const named = pages.flatMap((name) => page(name).match(/\bLATCHKEY_(?!CLI_)[A-Z_]+[A-Z]\b/g) ?? [])
    expect([...new Set(named)].filter((variable) => !known().includes(variable))).toEqual([])
  })

  it('follows a grant through every state there is, and names events that there are', () => {
    const text = page('lifecycle.md')
    const states = [...grantMachine.states, ...requestMachine.states]
    expect(states.filter((state) => !text.includes(state))).toEqual([])
    const events = text.match(/\b(?:request|grant|credential)\.[a-z_]+\b/g) ?? []
    expect(events.length).toBeGreaterThan(12)
    expect(events.filter((event) => !Object.hasOwn(KINDS, event))).toEqual([])
    // Nothing leads away from a request that was approved but the grant below it.
    expect(text).toMatch(/^ {3}approved {2,}request\.approved\n {5}│\n {5}▼ {2}in the same commit$/m)
  })

  it('has a row for each step from state to state of a request and a grant, and no other', () => {
    const rows = [...page('lifecycle.md').matchAll(/^\| (request|grant) \| `(\w+)` \| `(\w+)` \|/gm)]
    const documented = rows.map(([, of, from, to]) => `${of}: ${from} → ${to}`)
    const stepsOf = (of: string, arrows: Readonly<Record<string, Readonly<Record<string, string>>>>) =>
      Object.entries(arrows).flatMap(([from, next]) => Object.values(next).map((to) => `${of}: ${from} → ${to}`))
    const steps = [...stepsOf('request', requestMachine.arrows), ...stepsOf('grant', grantMachine.arrows)]
    expect(documented.toSorted()).toEqual(steps.toSorted())
  })

  it('says in the README of the portal what its own page says: which pages there are not', () => {
    const lacking = (text: string) =>
      text
        .replace(/\s+/g, ' ')
        .match(/no pages yet (to [^.:]+)[.:]/)?.[1]
        ?.replace(/, and .*$/, '')
    expect(lacking(page('portal.md'))).toMatch(/rotations.*distribution.*reviews/)
    expect(lacking(page('../README.md'))).toBe(lacking(page('portal.md')))
  })

  it('explains in the glossary what events happen to, and every role and scope', () => {
    const text = page('glossary.md')
    const explained = new Set([...text.matchAll(/\*\*([^*]+)\*\*/g)].map(([, word]) => word))
    const nouns = Object.values(KINDS).flatMap(({ subject }) => subject.replaceAll(/\ban? /g, '').split(' or '))
    expect([...new Set(nouns)].filter((noun) => noun !== 'somebody' && !explained.has(noun))).toEqual([])
    expect([...ROLES, ...SCOPES].filter((name) => !text.includes(`\`${name}\``))).toEqual([])
  })

  it('has lines of 120 columns at most, but in tables and in code', () => {
    const long = ours(PAGES).flatMap(([file, text]) => {
      const prose = text.replace(/^\s*```[\s\S]*?^\s*```/gm, (code) => code.replace(/[^\n]/g, ''))
      return prose
        .split('\n')
        .flatMap((line, at) =>
          line.length > 120 && line.trim().includes(' ') && !/^(\||\s*<| {4})/.test(line) ? `${file}:${at + 1}` : [],
        )
    })
    expect(long, 'npm run docs:wrap -- FILE wraps it').toEqual([])
  })

  it('leads to pages and headings that are there', () => {
    const root = path.resolve(import.meta.dirname, '../..')
    const from = globSync([...PAGES], { cwd: root })
    expect(from.length).toBeGreaterThan(20)
    const broken = from.flatMap((file) => {
      const text = readFileSync(path.join(root, file), 'utf8')
      const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)]
      return links.flatMap(([link, to = '', heading]) => {
        const at = to === '' ? path.join(root, file) : path.resolve(root, path.dirname(file), to)
        const isThere = heading === undefined ? existsSync(at) : headingsOf(at).includes(heading)
        return isThere ? [] : [`${file}: ${link}`]
      })
    })
    expect(broken).toEqual([])
  })
})

describe('our English', () => {
  it('is read on every page there is', () => {
    const kept = execFileSync('git', ['ls-files', '*.md'], { cwd: path.resolve(import.meta.dirname, '../..'), encoding: 'utf8' })
    expect(
      kept
        .trim()
        .split('\n')
        .filter((file) => !ours(PAGES).some(([page]) => page === file)),
    ).toEqual([])
  })

  it('is for a stranger: the person or the role is the subject, in words of today', () => {
    const all = ours([
      ...PAGES,
      '{docs,src,plugins,vault,dev,migrations,bench,test,bin,scripts,portal/src}/**/*.{ts,tsx,mjs}',
      '*.{yml,mjs,ts}',
      'Dockerfile',
    ])
    expect(all.length).toBeGreaterThan(700)
    const said = all.flatMap(([file, text]) =>
      text.split('\n').flatMap((line, at) => {
        const word = STRANGE.exec(line)?.[0]
        return word && !isAboutThem(file) ? `${file}:${at + 1}: ${word}` : []
      }),
    )
    expect(said, 'name the person or the role: the caller, an approver, the person who; “again” for “anew”').toEqual([])
  })

  it('has no riddles in what a user reads: messages, remedies, help, letters, descriptions', () => {
    const texts = ours(['{src,plugins,vault}/**/*.ts']).flatMap(([file, text]) =>
      literals(text).map((literal): [string, string] => [file, literal]),
    )
    expect(texts.filter(([, literal]) => literal.includes(' ')).length).toBeGreaterThan(2000)
    const riddles = texts.flatMap(([file, literal]) =>
      STUMBLED.flatMap(([words, instead]) => (words.test(literal) ? [`${file}: “${literal}”: ${instead}`] : [])),
    )
    expect(riddles).toEqual([])
  })

  it('has none of these riddles in the manual and the changelog', () => {
    // A test's name and a message are quoted as they are.
    const prose = ours(['{README,SECURITY,CONTRIBUTING,CHANGELOG}.md', 'docs/*.md', 'docs/integrations/*.md', 'vault/*.md'])
      .filter(([file]) => file !== 'docs/coverage.md')
      .map(([file, text]) => [file, text.replace(/```[\s\S]*?```|`[^`]*`/g, '').replace(/\s+/g, ' ')] as const)
    expect(prose.length).toBeGreaterThan(18)
    const riddles = prose.flatMap(([file, text]) =>
      STUMBLED.flatMap(([words, instead]) => {
        const found = words.exec(text)
        return found ? [`${file}: “${text.slice(found.index - 30, found.index + 50)}”: ${instead}`] : []
      }),
    )
    expect(riddles).toEqual([])
  })
})

describe('the names of our tests', () => {
  it('have none of these riddles either, as far as they are written as text', () => {
    const [, ...stumbled] = STUMBLED
    const named = /\b(?:it|describe)(?:\.each\(\w*\))?\(\s*(?:'([^'\n]+)'|`([^`]+)`)|\bsays: '([^'\n]+)'/g
    const names = ours(['test/**/*.ts']).flatMap(([file, text]) =>
      [...text.matchAll(named)].map(([, plain, template, says]) => [file, plain ?? template ?? says ?? ''] as const),
    )
    expect(names.length).toBeGreaterThan(1_500)
    const riddles = names.flatMap(([file, name]) =>
      stumbled.flatMap(([words, instead]) => (words.test(name) ? [`${file}: “${name}”: ${instead}`] : [])),
    )
    expect(riddles).toEqual([])
  })
})

/** In what a user reads: words that made strangers stop, and what is said instead. */
const STUMBLED: readonly (readonly [RegExp, string])[] = [
  [/(?<!there )\bis no (?!longer\b|more\b|one\b)\w/i, 'is not a …'],
  [/\b(parted|divided) by\b/i, 'separated by'],
  [/\bby now\b/i, 'now'],
  [/\bmeanwhile\b/i, 'since, in the meantime'],
  [/\b(an \w+|counts|may|it|them) no more\b/i, 'no longer'],
  [/\bnot to its end\b/i, 'not completely'],
  [/\b(past|behind) the broker\b/i, 'directly, by somebody else'],
  [/\bstands in the audit trail\b/i, 'is kept in the audit trail'],
  [/\bhas not (a|an|one|two|three|four|five)\b/i, 'does not have'],
  [/\bpair of eyes\b/i, 'second person'],
  [/\bwhatever the case\b/i, 'in any case of letters'],
]

/** String literals and templates; what stands in comments is for those who change the code. */
function literals(code: string): string[] {
  const found = code.matchAll(
    /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*|'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/gm,
  )
  return [...found].map(([, single, double, template]) => single ?? double ?? template ?? '')
}

const STRANGE = /\b(whoever|whosoever|whomever|whom|anew|of theirs(?!\)))\b/i
/** Where such a word is quoted as one not to use. */
const isAboutThem = (file: string) => ['STYLE.md', 'CONTRIBUTING.md', 'test/house/docs.test.ts'].includes(file)

function ours(patterns: readonly string[]): [string, string][] {
  const root = path.resolve(import.meta.dirname, '../..')
  return globSync([...patterns], { cwd: root }).map((file) => [file, readFileSync(path.join(root, file), 'utf8')])
}

/** As GitHub makes anchors of them. */
function headingsOf(file: string): string[] {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  )
}
