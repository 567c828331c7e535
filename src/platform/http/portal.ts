import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Request, RequestHandler, Response } from 'express'
import { BrokerError } from '../../sdk/index.ts'
import type { RouteTable } from './route-table.ts'

type Encoding = 'br' | 'gzip'

interface Asset {
  readonly type: string
  readonly content: Buffer
  readonly encoded: ReadonlyMap<Encoding, Buffer>
}

/** The built portal, whole in memory: no file is ever looked for by a path that a caller chose. */
export interface Portal {
  readonly page: string
  readonly assets: ReadonlyMap<string, Asset>
}

const NONCE = '__NONCE__'
const ASSETS = '/assets/'
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}
const A_YEAR = 'public, max-age=31536000, immutable'

/** Undefined where nothing was built. */
export async function readPortal(folder: string): Promise<Portal | undefined> {
  try {
    const page = await readFile(path.join(folder, 'index.html'), 'utf8')
    const names = (await readdir(path.join(folder, 'assets'))).filter((name) => path.extname(name) in TYPES)
    const read = (name: string) => readFile(path.join(folder, 'assets', name))
    const assets = names.map(async (name): Promise<[string, Asset]> => {
      const [content, br, gzip] = await Promise.all([read(name), read(`${name}.br`), read(`${name}.gz`)])
      const encoded = new Map<Encoding, Buffer>([
        ['br', br],
        ['gzip', gzip],
      ])
      return [ASSETS + name, { type: TYPES[path.extname(name)]!, content, encoded }]
    })
    return { page, assets: new Map(await Promise.all(assets)) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Answers browsers. Every path that begins as no endpoint does is a page; which one it is, the page itself knows. What endpoints there
 * are stays theirs, with their refusals of what is not there.
 */
export function servePortal(portal: Portal, routes: RouteTable, { publicUrl }: { readonly publicUrl?: string }): RequestHandler {
  const isHttps = publicUrl?.startsWith('https:') ?? false
  let taken: ReadonlySet<string> | undefined
  return (request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return next()
    const { path: asked } = request
    if (asked.startsWith(ASSETS)) return sendAsset(portal.assets.get(asked), request, response)
    if (asked === '/auth/signed-in') return response.redirect(302, '/')
    taken ??= new Set(['api', 'openapi.json', ...routes.routes.map((route) => firstOf(route.path))].filter(Boolean))
    const isPage = asked === '/' || (!taken.has(firstOf(asked)) && (request.headers.accept ?? '').includes('text/html'))
    if (!isPage) return next()
    sendPage(portal.page, isHttps, response)
  }
}

// What is in an asset is in its name: it never changes.
function sendAsset(asset: Asset | undefined, request: Request, response: Response): void {
  if (!asset) throw new BrokerError('not_found', 'this daemon has no such part of the portal', { fix: 'load the page again' })
  response.setHeader('Cache-Control', A_YEAR).setHeader('Content-Type', asset.type).vary('Accept-Encoding')
  const encoding = (['br', 'gzip'] as const).find((one) => request.acceptsEncodings(one))
  if (encoding !== undefined) response.setHeader('Content-Encoding', encoding)
  const content = encoding === undefined ? asset.content : asset.encoded.get(encoding)!
  response.setHeader('Content-Length', content.length).end(request.method === 'HEAD' ? undefined : content)
}

/** With a nonce of its own: no style that the page did not make itself is taken, and no script that is not a file of ours. */
function sendPage(page: string, isHttps: boolean, response: Response): void {
  const nonce = randomBytes(16).toString('base64')
  const policy = [
    `default-src 'none'`,
    `script-src 'self'`,
    `style-src 'self' 'nonce-${nonce}'`,
    `img-src 'self'`,
    `font-src 'self'`,
    `connect-src 'self'`,
    `form-action 'self'`,
    `base-uri 'none'`,
    `frame-ancestors 'none'`,
    ...(isHttps ? ['upgrade-insecure-requests'] : []),
  ]
  response.setHeader('Content-Security-Policy', policy.join('; '))
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('Content-Type', 'text/html; charset=utf-8')
  response.end(page.replace(NONCE, nonce))
}

function firstOf(route: string): string {
  return route.split('/')[1] ?? ''
}
