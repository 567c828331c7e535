import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** An address that leads to whichever server it is led to, bytes as they are, or to none. */
export interface Relay {
  readonly url: string
  /** Whatever was connected is cut off. */
  leadTo(address: string | undefined): void
  close(): Promise<void>
}

export async function startRelay(address: string): Promise<Relay> {
  let target: URL | undefined = new URL(address)
  const open = new Set<Socket>()
  const server = createServer((caller) => {
    if (!target) return void caller.destroy()
    const callee = connect(Number(target.port), target.hostname)
    for (const [socket, other] of [
      [caller, callee],
      [callee, caller],
    ] as const) {
      open.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (next) => {
      target = next === undefined ? undefined : new URL(next)
      cut()
    },
    close: () => {
      cut()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
