import { type Declaration, declarationOf } from '../../src/platform/http/allowed-for.ts'
import type { RouteTable } from '../../src/platform/http/route-table.ts'

const BEGIN = '<!-- every endpoint: written by test/attacks/authorization-matrix.test.ts -->'
const END = '<!-- end -->'
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** The document with the table of every endpoint as the controllers declare it. */
export function withTable(document: string, { routes }: RouteTable): string {
  const [before, after] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (before < 0 || after < before) throw new Error(`the document has no place between ${BEGIN} and ${END}`)
  const groups = Map.groupBy(routes, ({ handler, controller }) => wordsOf(declarationOf(handler, controller)!))
  const lines = [...groups].map(([who, those]) => {
    const paths = Map.groupBy(those, ({ path }) => path)
    const endpoints = [...paths]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([path, uses]) => `\`${METHODS.filter((method) => uses.some((use) => use.method === method)).join(' ')} ${path}\``)
    return `| ${who} | ${endpoints.join(', ')} |`
  })
  const table = ['| scope | roles | endpoints |', '|---|---|---|', ...lines.toSorted()]
  return `${document.slice(0, before)}${BEGIN}\n${table.join('\n')}\n${document.slice(after)}`
}

function wordsOf(declared: Declaration): string {
  if (declared === 'public') return 'none | nobody signs in for these'
  if (declared === 'scim') return 'none | the SCIM token'
  return `\`${declared.scope}\` | ${declared.roles?.toSorted().join(', ') ?? 'any'}`
}
