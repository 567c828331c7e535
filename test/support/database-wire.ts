import net, { type AddressInfo, type Socket } from 'node:net'
import path from 'node:path'
import type { FreshDatabase } from './database.ts'

/** A way to a database that can break as networks do. */
export interface DatabaseWire {
  readonly database: FreshDatabase
  /** Our side hears that every connection is lost; the server hears nothing and keeps its side open. */
  breakUnnoticed(): void
  close(): Promise<void>
}

export async function wireTo(database: FreshDatabase): Promise<DatabaseWire> {
  const url = new URL(database.url.replace(/@[^/]+/, '@socket'))
  const folder = decodeURIComponent(/@([^/]+)\//.exec(database.url)?.[1] ?? '')
  const pairs = new Set<{ near: Socket; far: Socket }>()
  const server = net.createServer((near) => {
    const far = net.connect(path.join(folder, '.s.PGSQL.5432'))
    const pair = { near, far }
    pairs.add(pair)
    near.pipe(far, { end: false })
    far.pipe(near)
    near.on('error', () => {}).on('close', () => pairs.has(pair) && far.end())
    far.on('error', () => {}).on('close', () => near.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const halves: Socket[] = []
  return {
    database: { ...database, url: url.href },
    breakUnnoticed() {
      for (const pair of pairs) {
        pairs.delete(pair)
        halves.push(pair.far)
        pair.near.destroy()
      }
    },
    async close() {
      for (const socket of [...pairs].flatMap(({ near, far }) => [near, far])) socket.destroy()
      for (const far of halves) far.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
