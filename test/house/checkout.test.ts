import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/house.ts'
import { LONGEST_DOCUMENT, LONGEST_FILE, linesIn, tooLong } from '../support/sizes.ts'
import * as walls from '../support/walls.ts'
import { houseOf, textsIn, unknownIn } from '../support/whole-house.ts'

describe('the whole house', () => {
  let checkout: string
  beforeAll(async () => {
    checkout = await mkdtemp(path.join(os.tmpdir(), 'latchkey-house-'))
    for (const place of ['src', 'plugins', 'vault', 'portal/src', 'dev', 'bench', 'migrations'])
      await cp(path.join(root, place), path.join(checkout, place), { recursive: true })
  })
  afterAll(() => rm(checkout, { recursive: true, force: true }))

  const laid = (file: string, text: string) => writeFile(path.join(checkout, file), text)

  it.each(['ts', 'tsx', 'mts', 'cts', 'js', 'jsx', 'mjs', 'cjs'])(
    'is read from the disk, and a file that ends in .%s with it',
    async (ending) => {
      const planted = ['src/audit', 'plugins/vault', 'vault', 'portal/src'].map((room) => `${room}/planted.${ending}`)
      for (const file of planted) {
        const up = path.posix.relative(path.posix.dirname(file), 'src/grants/ending/revocation.ts')
        await laid(file, `export * from '${up}'\n`)
      }
      const said = walls.upwards(houseOf(textsIn(checkout)))
      expect(said.toSorted()).toEqual(planted.map((file) => `${file} → src/grants/ending/revocation.ts`).toSorted())
      for (const file of planted) await rm(path.join(checkout, file))
    },
  )

  it('has no file that nobody here can read, and notices one', async () => {
    expect(unknownIn(root)).toEqual([])
    const planted = ['src/audit/planted.wasm', 'plugins/vault/planted.json', 'vault/planted', 'portal/src/planted.vue']
    for (const file of planted) await laid(file, '')
    expect(unknownIn(checkout).toSorted()).toEqual(planted.toSorted())
  })

  it('is measured file by file, whatever they are for and however they end', async () => {
    await laid('.gitignore', await readFile(path.join(root, '.gitignore'), 'utf8'))
    const files = ['portal/src/parts/planted.css', 'src/audit/planted', 'scripts/planted.mjs', 'bin/planted.mjs', '.ci/planted']
    files.push('bench/planted.ts', 'dev/demo/planted.ts', 'test/support/planted.ts', 'planted.yml', 'docs/examples/planted.sh')
    const planted = [...files.map((file) => [file, LONGEST_FILE] as const), ['docs/planted.md', LONGEST_DOCUMENT] as const]
    for (const [file, longest] of planted) {
      await mkdir(path.dirname(path.join(checkout, file)), { recursive: true })
      await laid(file, 'a\n'.repeat(longest + 1))
    }
    const ignored = ['node_modules/planted.ts', 'dist/planted.ts', 'planted.log']
    for (const file of ignored) {
      await mkdir(path.dirname(path.join(checkout, file)), { recursive: true })
      await laid(file, 'a\n'.repeat(LONGEST_FILE + 1))
    }
    const said = planted.map(([file, longest]) => `${file}: ${longest + 1}`)
    expect(tooLong({ lines: linesIn(checkout) }).toSorted()).toEqual(said.toSorted())
    for (const [file, longest] of planted) await laid(file, 'a\n'.repeat(longest))
    expect(tooLong({ lines: linesIn(checkout) })).toEqual([])
  })
})
