import { chmod, cp, lstat, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { postgresUser } from '../../src/platform/postgres/os-user.ts'
import { postgresBinaries } from '../../src/platform/postgres/postgres-binaries.ts'

const isRoot = process.getuid?.() === 0

let base: string

beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'lk-'))
  await chmod(base, 0o711)
})
afterEach(() => rm(base, { recursive: true, force: true, maxRetries: 10 }))

describe('the binaries of the embedded database', () => {
  const installed = async () => path.resolve(await postgresBinaries({ copyTo: base, user: {} }), '../..')

  it('run as npm left them when the server’s user can', async () => {
    expect(await postgresBinaries({ copyTo: base, user: {} })).toContain('node_modules')
    expect(await readdir(base)).toEqual([])
  })

  it('are copied with their links when install scripts were off', async () => {
    const from = path.join(base, 'package')
    await cp(await installed(), from, { recursive: true, filter: async (file) => !(await lstat(file)).isSymbolicLink() })
    const bin = await postgresBinaries({ from, copyTo: base, user: postgresUser() })
    expect(path.dirname(bin)).toBe(path.join(base, 'binaries-18.4.0-beta.17'))
    expect(await postgresBinaries({ from, copyTo: base, user: postgresUser() })).toBe(bin)
  })

  it('are refused with their own words when they do not run here', async () => {
    const from = path.join(base, 'package')
    await mkdir(path.join(from, 'native/bin'), { recursive: true })
    await writeFile(path.join(from, 'package.json'), '{"version":"0"}')
    await writeFile(path.join(from, 'native/pg-symlinks.json'), '[]')
    await writeFile(path.join(from, 'native/bin/postgres'), '#!/bin/sh\necho wrong machine >&2\nexit 1\n', { mode: 0o755 })
    await expect(postgresBinaries({ from, copyTo: base, user: {} })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('wrong machine'),
      fix: expect.stringContaining('DATABASE_URL'),
    })
  })

  it.runIf(isRoot)('are copied when the server’s user cannot walk to them', async () => {
    const closed = path.join(base, 'closed')
    await mkdir(closed, { mode: 0o700 })
    await cp(await installed(), path.join(closed, 'package'), { recursive: true, verbatimSymlinks: true })
    const bin = await postgresBinaries({ from: path.join(closed, 'package'), copyTo: base, user: postgresUser() })
    expect(bin).toBe(path.join(base, 'binaries-18.4.0-beta.17/bin'))
  })
})
