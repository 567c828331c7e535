import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { run } from '../../src/cli/main.ts'
import { makeChain } from '../support/certificates.ts'
import { type DistributionWorld, distributionWorld } from '../support/distribution-world.ts'

const servers = await serversUnderTest()

describe.each(servers)('The command line takes certificates to $product', (binary) => {
  let world: DistributionWorld
  let folder: string

  beforeAll(async () => {
    world = await distributionWorld(binary)
    folder = await mkdtemp(path.join(tmpdir(), 'lk-certificates-'))
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
    await world?.stop()
  })

  const latchkey = async (...words: string[]) => {
    const [printed, told]: [string[], string[]] = [[], []]
    const env = { LATCHKEY_CLI_URL: world.broker.url, LATCHKEY_CLI_TOKEN: world.broker.adminToken }
    const code = await run(words, { env, print: (line) => printed.push(line), tell: (line) => told.push(line) })
    return { code, out: printed.join('\n'), told: told.join('\n') }
  }
  const file = async (name: string, text: string) => {
    await writeFile(path.join(folder, name), text)
    return path.join(folder, name)
  }

  it('from a file to two targets, and back at one, without an id in it', async () => {
    const { leaf, chain } = makeChain({ cn: 'cli.example.com', domains: ['cli.example.com'] })
    await world.target('shop eu', { path: 'certs/eu/{{ .variables.team }}/{{ .cn }}' })
    await world.target('shop us', { path: 'certs/us/{{ .cn }}' })
    const [pem, key, issuers] = [await file('c.pem', leaf.pem), await file('k.pem', leaf.keyPem), await file('i.pem', chain)]
    const added = await latchkey('add-certificate', 'shop', pem, '--key', key, '--chain', issuers, '--variable', 'team=web')
    expect(added, added.told).toMatchObject({ code: 0 })
    expect(added.out).toContain('cli.example.com')
    expect(added.out).not.toContain('PRIVATE')
    expect((await latchkey('certificates')).out).toMatch(/shop\s+cli\.example\.com\s+valid/)
    expect((await latchkey('certificates', 'SHOP')).out).toContain('kept')
    expect((await latchkey('targets')).out).toMatch(/shop eu.*well/)
    const dry = await latchkey('distribute', 'shop', '--to', 'shop eu,Shop US', '--plan')
    expect(dry.out, dry.told).toMatch(
      /shop eu: secret\/certs\/eu\/web\/cli\.example\.com\n.*Writes version 1[\s\S]*now: \{ "version": 0 \}/,
    )
    const sent = await latchkey('distribute', 'shop', '--to', 'shop eu,Shop US', '--reason', 'renewal')
    expect(sent, sent.told).toMatchObject({ code: 0 })
    expect(sent.out).toMatch(/shop eu\s+verified/)
    expect((await world.server.api('GET', 'secret/data/certs/eu/web/cli.example.com')).body.data.data.certificate).toBe(leaf.pem)
    const id = /dst_[0-9a-z]{26}/.exec(sent.out)![0]
    expect((await latchkey('distributions')).out).toMatch(new RegExp(`${id}\\s+done\\s+shop\\s+2 verified`))
    const plan = await latchkey('distributions', id, '--roll-back', '--plan')
    expect(plan.out).toMatch(/shop us can be put back.\n.*deleted/)
    expect(await latchkey('distributions', id, '--roll-back')).toMatchObject({ told: expect.stringContaining('--reason') })
    const back = await latchkey('distributions', id, '--roll-back', '--only', 'shop us', '--reason', 'too early')
    expect(back, back.told).toMatchObject({ code: 0 })
    expect((await latchkey('distributions', id)).out).toMatch(/shop us\s+rolled_back/)
    const again = await latchkey('distributions', id, '--resume', '--only', 'shop us', '--reason', 'now')
    expect(again.out).toMatch(/shop us\s+verified/)
    expect((await latchkey('distributions', id, '--cancel', '--reason', 'x')).told).toContain(
      'it is over, so nothing can be cancelled',
    )
  })

  it.each([
    [['distribute', 'nothing', '--to', 'x', '--reason', 'x'], 'no certificate called nothing'],
    [['add-certificate', 'x', '/nowhere/at.pem'], 'cannot be read'],
    [['add-certificate', 'x', '/dev/null', '--variable', 'team'], 'name=value'],
    [['certificates', 'nothing'], 'no certificate called nothing'],
  ])('says what is wrong with %j', async (words, says) => {
    const { code, told } = await latchkey(...words)
    expect(code).not.toBe(0)
    expect(told).toContain(says)
  })
})
