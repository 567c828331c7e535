import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A port that leads to whichever server it is led to, bytes as they are, or to none. */
export interface Relay {
  readonly port: number
  readonly url: string
  /** Whatever was connected is cut off. */
  leadTo(address: string | undefined): void
  /** Does something once, in the midst of what is sent: when so many more pieces have come from callers. */
  afterSending(pieces: number, act: () => void): void
  close(): Promise<void>
}

/** @param address of a server: a URL, or the path of its socket */
export async function startRelay(address: string): Promise<Relay> {
  let target: string | undefined = address
  let pending: { left: number; readonly act: () => void } | undefined
  const open = new Set<Socket>()
  const server = createServer((caller) => {
    if (target === undefined) return void caller.destroy()
    const callee = target.startsWith('/') ? connect(target) : connect(Number(new URL(target).port), new URL(target).hostname)
    caller.on('data', () => {
      if (pending && --pending.left === 0) pending.act()
    })
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
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    leadTo: (next) => {
      target = next
      cut()
    },
    afterSending: (left, act) => {
      pending = { left, act }
    },
    close: () => {
      cut()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
