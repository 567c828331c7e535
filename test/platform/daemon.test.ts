import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { EmbeddedHome } from '../support/embedded-daemon.ts'

let home: EmbeddedHome

beforeAll(async () => {
  home = await EmbeddedHome.make()
})
afterEach(() => home.stopAll())
afterAll(() => home.remove())

describe('the daemon', () => {
  it('starts from nothing, lets the first admin in beside it, stops when told, and remembers', { timeout: 120_000 }, async () => {
    const first = await home.start()
    const token = await home.bootstrap()
    expect((await first.api(token).get('/api/me')).body.roles).toContain('admin')
    first.child.kill('SIGTERM')
    expect(await once(first.child, 'exit')).toEqual([0, null])

    const verdict = await home.run(['audit', 'verify'])
    expect(verdict).toMatchObject({
      code: 0,
      told: expect.stringMatching(new RegExp(`^Installation \\d{10}, the folder ${home.dir}$`)),
    })
    expect(verdict.printed).toMatch(/The trail is whole: [1-9]/)
    const recovered = await home.bootstrap('--force-new-token')
    const second = await home.start()
    expect((await second.api(token).get('/api/me')).status).toBe(200)
    expect((await second.api(recovered).get('/api/me')).status).toBe(200)
  })

  it('is not held back by a request that never ends', async () => {
    const { child, url } = await home.start()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write('POST /api/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
    await new Promise((resolve) => socket.write('"', resolve))
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
    socket.destroy()
  })

  it('says in one line why it cannot start', { timeout: 120_000 }, async () => {
    const { url } = await home.start()
    const other = home.start({ LATCHKEY_PORT: new URL(url).port, LATCHKEY_STATE_DIR: `${home.dir}/other` })
    await expect(other).rejects.toThrow(/(^|\n)listen EADDRINUSE[^\n]*\n$/)
    await expect(home.start()).rejects.toThrow('is using the database')
    await expect(home.start({ LATCHKEY_PORT: '-1' })).rejects.toThrow('LATCHKEY_PORT')
  })
})
