import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { describePlugin } from '../conformance/plugin.ts'
import { badgesWorld } from './badges-world.ts'

const DOCS = path.resolve(import.meta.dirname, '../../../docs')

describePlugin('the plugin of the guide', () => badgesWorld())

describe('the guide to plugins', () => {
  const example = readFileSync(path.join(DOCS, 'examples/badges/plugin.ts'), 'utf8')

  it('shows the example as it is tested', () => {
    expect(readFileSync(path.join(DOCS, 'plugins.md'), 'utf8')).toContain(`\`\`\`ts\n${example}\`\`\``)
  })

  it('has an example that one reads in one go', () => {
    const code = example.replaceAll(/^import [^']*'[^']*'\n/gm, '').split('\n')
    expect(code.filter((line) => line !== '' && !/^\s*(\/\*\*|\/\/)/.test(line)).length).toBeLessThanOrEqual(63)
  })
})
