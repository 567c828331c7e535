import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { PARTS, SUBJECTS } from '../../src/audit/kinds/kind.ts'
import { KINDS } from '../../src/audit/kinds.ts'
import type { Facts } from '../../src/notifications/facts.ts'
import { whereToLook } from '../../src/notifications/where-to-look.ts'
import { newId } from '../../src/platform/ids.ts'
import { root } from '../support/house.ts'

/** As the portal's router has them: a part that begins with `$` stands for any id. */
const ROUTES = [...readFileSync(path.join(root, 'portal/src/router.tsx'), 'utf8').matchAll(/^ {2}path: '([^']+)',$/gm)].map(
  ([, route = '']) => route,
)
const isPage = (place: string) =>
  ROUTES.some((route) => new RegExp(`^${route.replace(/\$\w+/g, '[a-z]{3}_\\w{26}')}$`).test(place))

const request = { requestId: newId('req') } as Facts

/** Every path that a letter may hold, of each event, each reason to be told, and with the request behind it and without. */
const PATHS = Object.entries(KINDS).flatMap(([kind, { subject }]) =>
  SUBJECTS[subject].flatMap((prefix) =>
    PARTS.flatMap((part) =>
      [undefined, request].map((facts) => {
        const event = { id: newId('aud'), at: new Date(0), kind, actor: 'broker', subject: newId(prefix), data: {} }
        return [kind, whereToLook(event, facts, part).path] as const
      }),
    ),
  ),
)

/** Whatever in the daemon ends a link of its own into the portal. */
const LINKS = /publicUrl\}(\/[^`]+)`/g

describe('a link of the broker', () => {
  it('leads to a page of the portal in every letter that has one', () => {
    expect(ROUTES.length).toBeGreaterThan(15)
    const linked = PATHS.filter(([, place]) => place !== undefined)
    expect(new Set(linked.map(([, place]) => place!.split('/')[1]))).toEqual(
      new Set(['requests', 'runs', 'rotations', 'distributions', 'certificates', 'integrations', 'proposals']),
    )
    expect(linked.filter(([, place]) => !isPage(place!))).toEqual([])
  })

  it('is in no letter to who may see nothing there', () => {
    const event = { id: newId('aud'), at: new Date(0), kind: 'run.failed', actor: 'broker', subject: newId('run'), data: {} }
    expect(whereToLook(event, undefined, 'notice')).toEqual({ command: undefined, path: undefined })
  })

  it('leads to a page of the portal in what webhooks are told', () => {
    const text = readFileSync(path.join(root, 'src/notifications/webhook-sender.ts'), 'utf8')
    const links = [...text.matchAll(LINKS)].map(([, link = '']) => link.replace(/\$\{[^}]+\}/, newId('req')))
    expect(links).toHaveLength(1)
    expect(links.filter((link) => !isPage(link))).toEqual([])
  })
})
