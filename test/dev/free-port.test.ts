import { once } from 'node:events'
import { expect, it } from 'vitest'
import { freePort } from '../../dev/vault/free-port.ts'
import { runSource } from '../support/child-process.ts'

/** Draws this port first, as chance does once in some thousand times, and keeps what it gets. */
const another = (drawn: number) =>
  runSource(`
    import { freePort } from '../../dev/vault/free-port.ts'
    const random = Math.random
    Math.random = () => { Math.random = random; return (${drawn} - 15_000 + 0.5) / 16_000 }
    console.log(await freePort())
    setInterval(() => {}, 60_000)`)

it('is given to one process at a time, and to the next when that has been killed', async () => {
  const { child: first, firstLine } = another(await freePort())
  const port = Number(await firstLine)
  try {
    const second = another(port)
    expect(await second.firstLine).toMatch(/^\d{5}$/)
    expect(Number(await second.firstLine)).not.toBe(port)
    second.child.kill('SIGKILL')
  } finally {
    first.kill('SIGKILL')
    await once(first, 'exit')
  }
  const third = another(port)
  expect(Number(await third.firstLine)).toBe(port)
  third.child.kill('SIGKILL')
})
