import dgram from 'node:dgram'
import net from 'node:net'

/**
 * A TCP port of loopback that is free, and whose next one is too, for this process alone: another one that asks gets another, until this
 * process ends. Below the range the kernel gives to outgoing connections, so that nobody's connection takes it while a server restarts.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + 2 * Math.floor(Math.random() * 8000)
    const claim = await claimOf(port)
    if (!claim) continue
    if ((await isFree(port)) && (await isFree(port + 1))) return port
    claim.close()
  }
}

/**
 * Who asks for a port needs it a while later, when a server has started; meanwhile it looks free to everybody. So its number is taken as a
 * UDP port, which none of the servers uses: the kernel keeps that until this process closes it or ends, by whatever signal.
 */
function claimOf(port: number): Promise<dgram.Socket | undefined> {
  return new Promise((resolve) => {
    const claim = dgram.createSocket('udp4')
    claim.once('error', () => resolve(undefined))
    claim.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(claim.unref()))
  })
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
