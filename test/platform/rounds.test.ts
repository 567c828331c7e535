import { Logger } from '@nestjs/common'
import { describe, expect, it, vi } from 'vitest'
import { Rounds } from '../../src/platform/due/rounds.ts'

describe('a watcher’s rounds', () => {
  it('are made one at a time', async () => {
    const rounds = new Rounds(new Logger('test'), 'looking')
    const gate = Promise.withResolvers<void>()
    const round = vi.fn(() => gate.promise)
    const first = rounds.make(round)
    await rounds.make(round)
    expect(round).toHaveBeenCalledTimes(1)
    gate.resolve()
    await first
    await rounds.make(round)
    expect(round).toHaveBeenCalledTimes(2)
  })

  it('go on after one that failed, and say so', async () => {
    const log = new Logger('test')
    const said = vi.spyOn(log, 'warn').mockImplementation(() => {})
    const rounds = new Rounds(log, 'looking')
    await rounds.make(() => Promise.reject(new Error('no database')))
    expect(said).toHaveBeenCalledWith({ error: new Error('no database') }, 'looking will be tried again')
    const round = vi.fn(async () => {})
    await rounds.make(round)
    expect(round).toHaveBeenCalledTimes(1)
  })
})
