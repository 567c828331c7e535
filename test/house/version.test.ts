import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { VERSION } from '../../src/platform/installation/version.ts'

const read = (file: string) => readFileSync(path.resolve(import.meta.dirname, '../..', file), 'utf8')
const changelog = read('CHANGELOG.md')
const releases = [...changelog.matchAll(/^## (\d+\.\d+\.\d+)$/gm)].map(([, release = '']) => release)

describe('the version', () => {
  it('is the same wherever it is written', () => {
    const { version, packages } = JSON.parse(read('package-lock.json'))
    const ofPortal = JSON.parse(read('portal/package.json')).version
    expect([
      JSON.parse(read('package.json')).version,
      ofPortal,
      version,
      packages[''].version,
      packages['portal'].version,
    ]).toEqual(Array(5).fill(VERSION))
  })

  it('comes after every release that the changelog tells of, or is the newest of them', () => {
    expect(releases.length).toBeGreaterThan(0)
    const [newest = ''] = releases
    expect(releases).toEqual(releases.toSorted((one, other) => other.localeCompare(one, 'en', { numeric: true })))
    if (!VERSION.endsWith('-dev')) return expect(VERSION).toBe(newest)
    expect(changelog).toMatch(/^## Unreleased$/m)
    expect(VERSION.localeCompare(newest, 'en', { numeric: true })).toBe(1)
  })

  it('of an earlier release, where the manual and the tests speak of one, is in the changelog', () => {
    const pages = globSync(['docs/**/*.md', 'test/platform/*.ts'], { cwd: path.resolve(import.meta.dirname, '../..') })
    const spoken = pages.flatMap((page) => [...read(page).matchAll(/\bof (\d+\.\d+\.\d+)\b/g)].map(([, release]) => release))
    expect(spoken).toContain('0.1.0')
    expect([...new Set(spoken)].filter((release) => !releases.includes(release ?? ''))).toEqual([])
  })
})
