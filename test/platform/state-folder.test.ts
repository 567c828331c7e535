import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStateFolder } from '../../src/platform/installation/state-folder.ts'
import { Secret } from '../../src/sdk/index.ts'

let base: string
let dir: string
beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'lk-'))
  dir = path.join(base, 'a/state')
})
afterEach(() => rm(base, { recursive: true }))

describe('the state folder', () => {
  it('is made on the first start and the same ever after', async () => {
    const first = await openStateFolder(dir)
    expect(first.instance).toMatch(/^[1-9][0-9]{9}$/)
    expect(first.key).toHaveLength(32)
    expect(await openStateFolder(dir)).toEqual(first)
    expect((await readdir(dir)).toSorted()).toEqual(['instance', 'key'])
    expect(await readFile(path.join(dir, 'key'), 'utf8')).toBe(`${first.key.toString('base64')}\n`)
  })

  it('is nobody else’s to list or read', async () => {
    await openStateFolder(dir)
    expect((await stat(dir)).mode & 0o066).toBe(0)
    for (const file of ['key', 'instance']) expect((await stat(path.join(dir, file))).mode & 0o777).toBe(0o600)
  })

  it('is made once by daemons that start together', async () => {
    const opened = await Promise.all(Array.from({ length: 20 }, () => openStateFolder(dir)))
    for (const folder of opened) expect(folder).toEqual(opened[0])
    expect(await readdir(dir)).toHaveLength(2)
  })

  it('takes the instance and the key it is told', async () => {
    const key = randomBytes(32)
    const value = new Secret(key.toString('base64'))
    expect(await openStateFolder(dir, { instance: '1234567890', key: { kind: 'value', value } })).toEqual({
      dir,
      instance: '1234567890',
      key,
      formerKeys: [],
      nextKeys: [],
    })
    expect(await readdir(dir)).toEqual([])
  })

  it('refuses a key that others can read, with the command that closes it', async () => {
    await openStateFolder(dir)
    const file = path.join(dir, 'key')
    for (const mode of [0o644, 0o640, 0o604]) {
      await chmod(file, mode)
      await expect(openStateFolder(dir)).rejects.toMatchObject({ code: 'unavailable', fix: `chmod 600 ${file}` })
    }
  })

  it('refuses a named key file that is missing, and makes none', async () => {
    const file = path.join(base, 'mounted')
    await expect(openStateFolder(dir, { key: { kind: 'file', path: file } })).rejects.toMatchObject({ code: 'unavailable' })
    await writeFile(file, randomBytes(32).toString('base64'), { mode: 0o600 })
    expect((await openStateFolder(dir, { key: { kind: 'file', path: file } })).key).toHaveLength(32)
  })

  it('refuses a damaged key or instance, and shows nothing of the key', async () => {
    await openStateFolder(dir)
    await writeFile(path.join(dir, 'instance'), 'x')
    await expect(openStateFolder(dir)).rejects.toMatchObject({ message: expect.stringContaining('ten digits') })
    await writeFile(path.join(dir, 'key'), 'hunter2')
    await expect(openStateFolder(dir)).rejects.toMatchObject({
      message: `${path.join(dir, 'key')} does not hold 32 bytes in base64`,
    })
  })
})
