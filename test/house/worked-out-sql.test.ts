import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../support/house.ts'
import { isPieceIn, lentIn } from '../support/sql-pieces.ts'
import { worksOutSet, worksOutTable } from '../support/sql-worked-out.ts'
import { house, isOurs } from '../support/whole-house.ts'

const files = house.files.filter((file) => isOurs(file) && !file.startsWith('portal/'))
const code: ReadonlyMap<string, string> = new Map(files.map((file) => [file, house.code.get(file)!]))
const schema = readFileSync(path.join(root, 'migrations/schema.sql'), 'utf8')
const TABLES = [...schema.matchAll(/^create table (\w+)/gm)].map(([, table]) => table!)

/** A file more, in a room that keeps no tables. */
const PLACE = 'src/catalog/planted.ts'
const withPlanted = (text: string, file = PLACE) => new Map([...code, [file, text]])

const tableIsWorkedOut = (file: string, texts = code) =>
  worksOutTable(file, texts.get(file)!, (name) => isPieceIn(file, texts, name))

describe('a table whose name is put into a statement', () => {
  it('is so in these places alone', () => {
    expect(files.filter((file) => tableIsWorkedOut(file))).toEqual([
      'src/identity/scim/filter-sql.ts',
      'src/platform/sealing/sealed-columns.ts',
    ])
  })

  it.each([
    `\`select count(*) from \${table}\``,
    `\`select count(*) as n from \${table} order by n\``,
    `\`select id from \${t.name} limit 1\``,
    `\`select id from "\${table}" where id = $1\``,
    `\`insert into \${table} (id, state) values ($1, $2)\``,
    `\`update \${table} as g set state = 1\``,
    `\`update \${table} set state = 1\``,
    `\`update only \${table} set state = 1\``,
    `\`delete from \${table} using x\``,
    `\`truncate \${table}\``,
    `\`(select max(at) from \${table}) as last\``,
    `\`select 1 from users u join \${other} o on o.id = u.id\``,
    `\`join \${other} o on o.id = u.id\``,
    `'select count(*) from ' + table`,
    `'delete from ' + table + ' where id = $1'`,
    `\`update \${TABLE} set state = 'active' where id = $1\`; const TABLE = 'grants'`,
    `\`select 1 from \${TABLE}\`\nconst TABLE = 'grants'`,
  ])('is noticed: %s', (text) => {
    expect(tableIsWorkedOut(PLACE, withPlanted(`const a = ${text}`))).toBe(true)
  })

  it.each([
    `\`set it to a whole number from \${least} to \${most}\``,
    `\`another command is using \${file}\``,
    `\`update \${name}, which is too old\``,
    `\`select 1 from users where id = \${id}\``,
    `\`select 1 from \${PIECE}\`\nconst PIECE = '(select id from users) u'`,
  ])('is told apart from what only looks like it: %s', (text) => {
    expect(tableIsWorkedOut(PLACE, withPlanted(`const a = ${text}`))).toBe(false)
  })
})

describe('a column that is set, and put into a statement', () => {
  it('is so in these places alone', () => {
    expect(files.filter((file) => worksOutSet(file, code.get(file)!))).toEqual(['src/platform/sealing/sealed-columns.ts'])
  })

  it.each([
    `set \${a} = 1`,
    `update g set a = $1, \${b}`,
    `update grants set ended_at = now(), \${set.join()} where id = $2`,
    `update g set a = coalesce(b, (select max(c) from d)), \${x} = 1`,
    `update g set a = \${a}, \${b}`,
    `update g set (\${b}) = (1, 2)`,
    `update g set (a, \${b}) = (1, 2)`,
    `update g set (a, b) = (1, 2), \${c}`,
    `update g set a = 'x(', \${c}`,
  ])('is noticed: %s', (sql) => {
    expect(worksOutSet(PLACE, `const a = \`${sql}\``)).toBe(true)
  })

  it.each([
    `update g set a = $1, b = \${c}`,
    `update g set a = coalesce(b, \${c})`,
    `update g set a = case when \${b} then 1 end`,
    `update g set a = $1 where b in (1, \${c})`,
  ])('is told apart from a value: %s', (sql) => {
    expect(worksOutSet(PLACE, `const a = \`${sql}\``)).toBe(false)
  })
})

describe('a piece of SQL that a room lends', () => {
  it('is read through in these places and no other', () => {
    expect(lentIn(code, TABLES)).toEqual([
      'src/approvals reads users through leftSince',
      'src/changes reads group_members, role_groups through rolesOf',
      'src/distribution reads action_runs, action_steps through RUN_FACTS',
      'src/distribution reads integrations through CONNECTION_HEALTH',
      'src/distribution reads ordered_runs through ORDERED_FACTS',
      'src/grants reads access_requests through ASKING_ACTS',
      'src/notifications reads group_members, identities, role_groups through IS_NO_ADMIN_ANY_MORE',
      'src/runs reads action_runs, action_steps through RUN_FACTS',
    ])
  })

  const TAKES = `import { ORDERED_FACTS } from '../runs/ordered-run.ts'`
  it.each([
    `${TAKES}\nconst a = \`select 1 from \${ORDERED_FACTS} o\``,
    `${TAKES}\nconst a = 'select 1 from ' + ORDERED_FACTS`,
    `${TAKES}\nconst a = ORDERED_FACTS + ' o'`,
    `${TAKES}\nconst FACTS = ORDERED_FACTS`,
    `import { ORDERED_FACTS as FACTS } from '../runs/ordered-run.ts'\nconst a = \`select 1 from \${FACTS} o\``,
    `import * as runs from '../runs/ordered-run.ts'\nconst a = \`select 1 from \${runs.ORDERED_FACTS} o\``,
  ])('is noticed: %s', (text) => {
    expect(lentIn(withPlanted(text, 'src/rotation/planted.ts'), TABLES)).toContain(
      'src/rotation reads ordered_runs through ORDERED_FACTS',
    )
  })

  it('is noticed where it is made of another', () => {
    const through = (piece: string, more = '') =>
      lentIn(
        new Map([
          ...withPlanted(
            `import { RUN_FACTS } from '../actions/run-facts.ts'\n${more}export const P_FACTS = ${piece}`,
            'src/runs/planted.ts',
          ),
          [
            'src/rotation/planted.ts',
            `import { P_FACTS } from '../runs/planted.ts'\nconst a = \`select 1 from (\${P_FACTS}) p\``,
          ],
        ]),
        TABLES,
      )
    const said = 'src/rotation reads action_runs, action_steps through P_FACTS'
    expect(through(`\`select 1 from \${RUN_FACTS} o\``)).toContain(said)
    expect(through(`\`select 1 from \${OWN} o\``, 'const OWN = RUN_FACTS\n')).toContain(said)
  })
})
